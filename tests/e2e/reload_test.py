# SPDX-License-Identifier: Apache-2.0
"""A running hub takes up a changed configuration: what changes, what cannot, and what writers and readers see of it."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

from kit import SLOW, equal, frame, process, test, until

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "crash"))
from killer import worker_of  # noqa: E402 (its folder must be known first)

ONE = """
data_dir: state
sources: {in: {fifo: in}}
handlers: {log: {plugin: log, options: {path: log.out, format: frames, sync: never}}}
routes: [{from: in, to: log}]
"""
LOG = "{plugin: log, options: {path: %s.out, format: frames, sync: never}}"


def hub_yaml(sources, handlers, routes, more=""):
    """sources: {name: options}, handlers: {name: options}, routes: [(from, to)]."""
    lines = ["data_dir: state", "drain_timeout: 3s", more, "sources:"] + [f"  {n}: {o}" for n, o in sources.items()]
    lines += ["handlers:"] + [f"  {n}: {o}" for n, o in handlers.items()]
    lines += ["routes:"] + [f"  - {{from: {f}, to: {t}}}" for f, t in routes]
    return "\n".join(lines) + "\n"


def write(hub, yaml):
    """As the kit writes it at first."""
    patience = "" if "drain_timeout:" in yaml else f"drain_timeout: {10 * SLOW:g}s\n"
    hub.config.write_text("version: 1\n" + patience + yaml)


def reload(t, hub, *options, status=0):
    """Returns what the hub says of it: an object for programs."""
    command = t.standpipe("reload", "--json", "--control", hub.control, *options)
    out, err = command.communicate(timeout=60)
    equal(command.returncode, status, f"standpipe reload: {err.decode()} {out.decode()}")
    return json.loads(out)


def changes(result):
    return sorted(f"{c['change']} {c['what']} {c['name']}" for c in result["changes"])


def numbered(first, last, name="m"):
    return [f"{name} {i}".encode() for i in range(first, last)]


# ---- what changes


@test
def sources_handlers_and_routes_are_added_and_removed(t):
    hub = t.start(hub_yaml({"in": "{fifo: in}"}, {"log": LOG % "log"}, [("in", "log")]))
    hub.send("in", numbered(0, 10))
    write(hub, hub_yaml({"in": "{fifo: in}", "b": "{fifo: b}"}, {"log": LOG % "log", "two": LOG % "two"}, [("in", "log"), ("b", "two")]))
    result = reload(t, hub)
    equal(changes(result), ["added handler two", "added route 2", "added source b"])
    equal((result["ok"], result["generation"]), (True, 2))
    hub.send("in", numbered(10, 20))
    hub.send("b", numbered(0, 5, "b"))
    t.until_logged("log.out", numbered(0, 20))
    t.until_logged("two.out", numbered(0, 5, "b"))
    write(hub, hub_yaml({"in": "{fifo: in}"}, {"two": LOG % "two"}, [("in", "two")]))
    equal(changes(reload(t, hub)), ["changed route 1", "removed handler log", "removed route 2", "removed source b"])
    hub.send("in", numbered(20, 30))
    t.until_logged("two.out", numbered(0, 5, "b") + numbered(20, 30))
    account = hub.stop()
    account.says("in", accepted=30).says("in -> log", delivered=20).says("in -> two", delivered=10)
    account.says("b", accepted=5).says("b -> two", delivered=5)
    equal(t.frames("log.out"), numbered(0, 20))


@test
def sighup_reloads_and_the_log_says_what_changed(t):
    hub = t.start(ONE)
    write(hub, ONE.replace("{in: {fifo: in}}", "{in: {fifo: in}, b: {fifo: b}}"))
    hub.process.send_signal(signal.SIGHUP)
    hub.says(r"reloaded in [\d.]+ ms, paused for [\d.]+ ms; generation 2\n  note:   added    source b")
    hub.process.send_signal(signal.SIGHUP)
    hub.says("generation 3; nothing in it has changed")
    hub.stop()


@test
def a_dry_run_changes_nothing(t):
    hub = t.start(ONE)
    write(hub, ONE.replace("{in: {fifo: in}}", "{in: {fifo: in}, b: {fifo: b}}"))
    result = reload(t, hub, "--dry-run")
    equal((result["dry_run"], changes(result)), (True, ["added source b"]))
    assert not t.path("b").exists(), "no FIFO is made"
    assert "changed on disk since" in t.run("stats", "--account", "--control", hub.control)[0].decode()
    assert "written to since" in t.run("stats", "--interval", "0s", "--control", hub.control)[0].decode()
    equal(hub.stats()["generation"], 1)
    hub.stop()


@test
def a_renamed_source_keeps_what_it_has_and_its_writers(t):
    hub = t.start(ONE)
    writer = t.writer("in")
    writer.send(b"one")
    rest = frame(b"two")
    writer.write_seen(rest[:5])
    write(hub, ONE.replace("{in: {fifo: in}}", "{new: {fifo: in}}").replace("from: in", "from: new"))
    equal(changes(reload(t, hub)), ["changed route 1", "renamed source in"])
    writer.write(rest[5:])
    writer.close()
    t.until_logged("log.out", [b"one", b"two"])
    hub.stop().says("new", accepted=2).says("new -> log", delivered=2)


@test
def another_fifo_of_the_same_source_is_read_when_the_writers_of_the_first_have_left(t):
    hub = t.start(ONE)
    writer = t.writer("in")
    writer.send(b"one")
    write(hub, ONE.replace("{fifo: in}", "{fifo: other}"))
    reload(t, hub)
    assert t.path("other").is_fifo(), "it is made at once"
    writer.send(b"two")
    writer.close()
    hub.send("other", [b"three"])
    t.until_logged("log.out", [b"one", b"two", b"three"])
    hub.stop().says("in", accepted=3).says("in -> log", delivered=3)
    equal(t.frames("log.out"), [b"one", b"two", b"three"])


@test
def a_plugin_whose_file_was_replaced_is_really_loaded(t):
    plugins = process.program().parent.parent / "lib/standpipe/plugins"
    shutil.copy(plugins / "log.so", t.path("mine.so"))
    yaml = ONE.replace("plugin: log", "plugin: ./mine.so")
    hub = t.start(yaml)
    before = mapped(hub, "mine.so")
    shutil.copy(plugins / "log.so", t.path("other.so"))
    t.path("other.so").rename(t.path("mine.so"))
    equal([c["what"] for c in reload(t, hub)["changes"]], ["plugin"])
    assert mapped(hub, "mine.so") != before, "another file is mapped"
    hub.send("in", [b"one"])
    t.until_logged("log.out", [b"one"])
    hub.stop().all_delivered(1)


def mapped(hub, name):
    maps = pathlib.Path(f"/proc/{worker_of(hub.process.pid)}/maps").read_text()
    return {line.split()[4] for line in maps.splitlines() if line.endswith(name)}


@test
def what_a_handler_has_sent_and_nobody_has_read_survives_reloads_in_order(t):
    yaml = """
data_dir: state
sources: {in: {fifo: in}}
handlers: {next: {plugin: forward, options: {fifo: next}}%s}
routes: [{from: in, to: next}]
"""
    os.mkfifo(t.path("next"), 0o600)
    hub = t.start(yaml % "")
    reader = t.reader("next")
    for i in range(6):
        hub.send("in", numbered(i * 100, i * 100 + 100))
        write(hub, yaml % (", more: {plugin: print}" if i % 2 == 0 else ""))
        reload(t, hub)
    equal(reader.take(600), numbered(0, 600))
    assert not reader.eof, "the reader sees no end"
    hub.stop().all_delivered(600)


# ---- what goes


@test
def a_removed_handler_gets_what_it_has_in_hand(t):
    slow = "{plugin: recorder, options: {path: slow.out, delay: 10ms}}"
    before = hub_yaml({"in": "{fifo: in}"}, {"log": LOG % "log", "slow": slow}, [("in", "[log, slow]")])
    hub = t.start(before)
    hub.send("in", numbered(0, 50))
    write(hub, hub_yaml({"in": "{fifo: in}"}, {"log": LOG % "log"}, [("in", "log")]))
    reload(t, hub)
    hub.stop().says("in", accepted=50).says("in -> log", delivered=50).says("in -> slow", delivered=50)
    equal(t.path("slow.out").read_text().count("\n"), 50)


@test
def what_a_removed_handler_does_not_take_is_dead_lettered(t):
    before = hub_yaml({"in": "{fifo: in}"}, {"log": LOG % "log", "stubborn": "{plugin: held}"}, [("in", "[log, stubborn]")])
    hub = t.start(before)
    hub.send("in", numbered(0, 7))
    hub.says("stubborn is held")
    t.until_logged("log.out", numbered(0, 7))
    write(hub, hub_yaml({"in": "{fifo: in}"}, {"log": LOG % "log"}, [("in", "log")]))
    reload(t, hub)
    until(lambda: hub.account_now().of("in -> stubborn")["dead_lettered"] == 7, "they are dead-lettered")
    account = hub.stop().says("in", accepted=7).says("in -> log", delivered=7).says("in -> stubborn", dead_lettered=7)
    equal(account.of("in -> stubborn")["dead_letters"], {"shutdown": 7})
    assert b"m 6" in t.path("state/dead-letters.log").read_bytes()


FORWARD = "{plugin: forward, options: {fifo: next}}"
IN = {"in": "{fifo: in, log: {max_size: 8MiB}}"}
BOTH = hub_yaml(IN, {"log": LOG % "log", "next": FORWARD}, [("in", "[log, next]")])
ALONE = hub_yaml(IN, {"log": LOG % "log"}, [("in", "log")])


def large(first, last):
    """More than a pipe holds, if there are a thousand."""
    return [b"m %d " % i + b"." * 4000 for i in range(first, last)]


@test
def what_a_removed_forward_sent_and_nobody_read_is_dead_lettered(t):
    hub = t.start(BOTH)
    hub.send("in", numbered(0, 50))
    t.until_logged("log.out", numbered(0, 50))
    until(lambda: hub.account_now().of("in -> next")["in_flight"] == 50, "nobody reads it")
    write(hub, ALONE)
    reload(t, hub)
    until(lambda: hub.account_now().of("in -> next")["dead_lettered"] == 50, "all is dead-lettered")
    hub.send("in", numbered(50, 60))
    account = hub.stop().says("in", accepted=60).says("in -> log", delivered=60)
    account.says("in -> next", dead_lettered=50)
    again = t.start(ALONE)
    again.send("in", [b"new"])
    again.stop().all_delivered(1)
    letters = t.path("state/dead-letters.log").read_bytes()
    equal([m for m in numbered(0, 50) if letters.count(m) == 0], [])


@test
def what_a_removed_forward_sent_is_dead_lettered_by_the_next_start_if_the_hub_stops_before(t):
    hub = t.start(BOTH)
    hub.send("in", numbered(0, 50))
    until(lambda: hub.account_now().of("in -> next")["in_flight"] == 50, "nobody reads it")
    hub.stop().says("in", accepted=50).says("in -> log", delivered=50).says("in -> next", in_flight=50)
    again = t.start(ALONE)
    until(lambda: again.account_now().of("in -> next")["dead_lettered"] == 50, "all is dead-lettered")
    again.stop().says("in", accepted=50).says("in -> next", dead_lettered=50)
    letters = t.path("state/dead-letters.log").read_bytes()
    equal([m for m in numbered(0, 50) if letters.count(m) == 0], [])


@test
def what_a_removed_forward_sent_to_a_reader_that_is_slow_is_delivered(t):
    hub = t.start(BOTH)
    reader = t.reader("next")
    hub.send("in", large(0, 1000))
    t.until_logged("log.out", large(0, 1000))
    write(hub, ALONE)
    taken = t.meanwhile(reader.take, 1000)
    reload(t, hub)
    equal(taken.join(20), large(0, 1000))
    hub.stop().says("in", accepted=1000).says("in -> log", delivered=1000).says("in -> next", delivered=1000)


@test
def a_reader_that_stands_still_keeps_what_is_in_its_pipe_and_the_rest_is_dead_lettered(t):
    hub = t.start(BOTH.replace("drain_timeout: 3s", "drain_timeout: 1s"))
    reader = t.reader("next")
    hub.send("in", large(0, 1000))
    t.until_logged("log.out", large(0, 1000))
    write(hub, ALONE.replace("drain_timeout: 3s", "drain_timeout: 1s"))
    reload(t, hub)

    def dead_lettered():
        """When it is no more half a second later."""
        count = hub.account_now().of("in -> next")["dead_lettered"]
        time.sleep(0.5)  # letters are written in batches
        return count if count == hub.account_now().of("in -> next")["dead_lettered"] else None

    rest = 1000 - until(dead_lettered, "the rest is dead-lettered")
    assert 0 < rest < 1000, rest
    equal(reader.take(rest), large(0, rest))
    until(lambda: hub.account_now().of("in -> next")["in_flight"] == 0, "the account closes")
    account = hub.stop().says("in", accepted=1000).says("in -> log", delivered=1000)
    account.says("in -> next", delivered=rest, dead_lettered=1000 - rest)


@test
def a_renamed_forward_s_messages_wait_for_the_reader_of_the_same_fifo(t):
    hub = t.start(BOTH)
    hub.send("in", numbered(0, 50))
    until(lambda: hub.account_now().of("in -> next")["in_flight"] == 50, "nobody reads it")
    write(hub, BOTH.replace("next: {", "other: {").replace("log, next", "log, other"))
    reload(t, hub)
    hub.send("in", numbered(50, 100))
    equal(t.reader("next").take(100), numbered(0, 100))
    account = hub.stop().says("in", accepted=100).says("in -> log", delivered=100)
    account.says("in -> next", delivered=50).says("in -> other", delivered=50)


@test
def a_forward_that_gets_another_fifo_sends_there_what_the_first_one_s_reader_has_not_taken(t):
    hub = t.start(BOTH)
    old = t.reader("next")
    hub.send("in", large(0, 1000))
    t.until_logged("log.out", large(0, 1000))
    other = BOTH.replace("fifo: next", "fifo: other")
    write(hub, other)
    reload(t, hub)
    hub.send("in", large(1000, 1010))
    new, rest = t.reader("other"), []
    while rest[-1:] != large(1009, 1010):
        rest += new.take(1)
    count = 1010 - len(rest)
    assert 0 < count < 1000, count
    equal(rest, large(count, 1010))
    equal(old.take(count), large(0, count))
    until(lambda: hub.account_now().of("in -> next")["in_flight"] == 0, "the account closes")
    equal(t.meanwhile(old.read_to_end).join(20), b"")
    t.path("next").unlink()
    write(hub, BOTH)
    reload(t, hub)
    hub.send("in", large(1010, 1020))
    equal(t.reader("next").take(10), large(1010, 1020))
    assert not new.eof, "the reader sees no end before all is taken"
    equal(t.meanwhile(new.read_to_end).join(20), b"")
    hub.stop().says("in", accepted=1020).says("in -> log", delivered=1020).says("in -> next", delivered=1020)


@test
def a_held_handler_that_is_configured_otherwise_gets_what_waits_and_others_stay_held(t):
    def yaml(one):
        return hub_yaml({"in": "{fifo: in}"}, {"one": one, "two": "{plugin: held}"}, [("in", "[one, two]")])

    hub = t.start(yaml("{plugin: held}"))
    hub.send("in", numbered(0, 5))
    hub.says("one is held")
    hub.says("two is held")
    write(hub, yaml(LOG % "one"))
    reload(t, hub)
    t.until_logged("one.out", numbered(0, 5))
    until(lambda: hub.account_now().of("in -> one")["delivered"] == 5, "they are delivered")
    equal({h: s["state"] for h, s in hub.stats()["handlers"].items()}, {"one": "ready", "two": "held"})
    account = hub.stop().says("in", accepted=5).says("in -> one", delivered=5)
    equal(account.of("in -> two")["in_flight"], 5)


@test
def a_removed_source_is_read_to_its_end_and_then_its_writers_learn_of_it(t):
    before = hub_yaml({"in": "{fifo: in}", "b": "{fifo: b}"}, {"log": LOG % "log"}, [("[in, b]", "log")])
    after = hub_yaml({"in": "{fifo: in}"}, {"log": LOG % "log"}, [("in", "log")])
    hub = t.start(before)
    writer = t.writer("b")
    writer.send(*numbered(0, 20))
    write(hub, after)
    reload(t, hub)
    try:
        until(lambda: writer.send(b"late") and False, "the writer sees that nobody reads")
    except BrokenPipeError:
        pass
    writer.close()
    t.until_logged("log.out", numbered(0, 20))
    write(hub, before)
    reload(t, hub)
    hub.send("b", [b"again"])
    t.until_logged("log.out", numbered(0, 20) + [b"again"])
    account = hub.stop()
    b = account.of("b")
    equal((b["accepted"] - b["unmatched"], account.of("b -> log")["delivered"]), (21, 21))


@test
def a_removed_source_first_gives_what_an_earlier_run_left_of_it(t):
    def yaml(sources, more):
        return hub_yaml(sources, {"log": LOG % "log", "next": FORWARD}, [("in", "log"), *more])

    both = yaml({"in": "{fifo: in}", "b": "{fifo: b, log: {max_size: 16KiB}}"}, [("b", "next")])
    alone = yaml({"in": "{fifo: in}"}, [("in", "next")])
    hub = t.start(both)
    hub.send("b", numbered(0, 2000))
    until(lambda: hub.account_now().of("b")["accepted"] > 0, "some are accepted")
    hub.stop()
    hub.account.of("b"), hub.account.of("b -> next")
    hub = t.start(both)
    until(lambda: hub.account_now().of("b")["accepted"] > 0, "what was left is fed")
    write(hub, alone)
    why = reload(t, hub, status=1)["why"]
    assert "b is to go, and what an earlier run left of it is not delivered fast enough" in why, why
    taken = t.meanwhile(t.reader("next").take, 2000)
    until(lambda: hub.account_now().of("b -> next")["delivered"] > 0, "a reader takes it")
    reload(t, hub)
    equal(taken.join(), numbered(0, 2000))
    equal(list(t.path("state/spill").glob("b-*")), [])
    account = hub.stop()
    account.of("b"), account.of("b -> next")


# ---- what does not change


@test
def a_broken_configuration_is_refused_with_its_place_and_the_hub_goes_on(t):
    hub = t.start(ONE)
    write(hub, ONE.replace("to: log", "to: lgo"))
    result = reload(t, hub, status=1)
    equal((result["ok"], result["diagnostics"][0]["code"]), (False, "unknown-handler"))
    _, err = t.run("reload", "--control", hub.control, status=1)
    assert "did you mean 'log'" in err and "the hub goes on with what it has" in err, err
    hub.send("in", [b"one"])
    hub.stop().all_delivered(1)


@test
def what_cannot_change_is_refused_in_words(t):
    hub = t.start(ONE)
    write(hub, ONE.replace("data_dir: state", "data_dir: elsewhere"))
    assert "data_dir cannot change while the hub runs" in reload(t, hub, status=1)["why"]
    write(hub, "memory_max: 32GiB\n" + ONE)
    assert "it has room for a memory_max of 512MiB, and the configuration has 32GiB" in reload(t, hub, status=1)["why"]
    many = {f"s{i}": f"{{fifo: s{i}}}" for i in range(70)}
    write(hub, hub_yaml({"in": "{fifo: in}"} | many, {"log": LOG % "log"}, [("in", "log")]))
    assert "it has room for 64 sources, and the configuration needs 71" in reload(t, hub, status=1)["why"]
    equal(hub.stats()["generation"], 1)
    hub.stop()


@test
def what_a_reload_removes_needs_room_until_it_is_delivered(t):
    def forty(letter):
        return hub_yaml({f"{letter}{i}": f"{{fifo: {letter}{i}}}" for i in range(40)}, {"log": LOG % "log"}, [(f"{letter}0", "log")])

    hub = t.start(forty("a"))
    write(hub, forty("b"))
    why = reload(t, hub, status=1)["why"]
    assert "it has room for 64 sources, and the configuration needs 80, with those that it no longer has, which stay until" in why, why
    assert "(remove those by one reload, reload again, and add by a third)" in why, why
    write(hub, ONE)
    reload(t, hub)
    reload(t, hub)  # only then the memory has none of them
    write(hub, forty("b"))
    reload(t, hub)
    hub.stop()


@test
def what_only_the_new_worker_finds_leads_back_whole(t):
    """A FIFO that cannot be made: its folder is missing."""
    hub = t.start(ONE)
    hub.send("in", [b"one"])
    write(hub, ONE.replace("{in: {fifo: in}}", "{in: {fifo: in}, b: {fifo: none/b}}").replace("to: log", "to: log, name: new"))
    result = reload(t, hub, status=1)
    assert "1 source cannot be opened: b: " in result["why"], result["why"]
    assert str(t.path("none")) in result["why"] and "mkdir -p" in result["why"], result["why"]
    equal(hub.stats()["generation"], 1)
    hub.send("in", [b"two"])
    hub.stop().all_delivered(2)
    assert "worker died" not in hub.stderr(), hub.stderr()


@test
def a_plugin_that_crashes_when_it_is_opened_leads_back(t):
    t.only_uninstrumented()
    hub = t.start(ONE)
    hub.send("in", [b"one"])
    dying = "handlers: {bad: {plugin: dying, options: {in: open, by: crash, until: cured}}, log: "
    write(hub, ONE.replace("handlers: {log: ", dying))
    for _ in range(12):  # more than deaths without progress are borne
        assert "the worker died before it was ready with it" in reload(t, hub, status=1)["why"]
    hub.send("in", [b"two"])
    t.path("cured").touch()
    equal(reload(t, hub)["ok"], True)
    hub.stop().all_delivered(2)


@test
def a_call_that_does_not_come_back_keeps_the_hub_from_reloading(t):
    t.only_uninstrumented()
    slow = "{plugin: recorder, options: {path: slow.out, delay: 20s}, isolation: thread}"
    hub = t.start(hub_yaml({"in": "{fifo: in}"}, {"log": LOG % "log", "slow": slow}, [("in", "[log, slow]")], more=""))
    hub.send("in", [b"one"])
    t.until_logged("log.out", [b"one"])
    result = reload(t, hub, status=1)
    assert "slow has not come back from a call for 5s" in result["why"], result["why"]
    hub.send("in", [b"two"])
    t.until_logged("log.out", [b"one", b"two"])
    hub.process.kill()
    hub.process.wait()
    hub.ended = True


# ---- at the same time


@test
def a_second_reload_is_refused_while_one_is_under_way_and_a_second_signal_is_not_forgotten(t):
    hub = t.start(ONE)
    worker = worker_of(hub.process.pid)
    os.kill(worker, signal.SIGSTOP)  # both requests are there when it goes on
    commands = [t.standpipe("reload", "--control", hub.control) for _ in range(2)]
    for _ in range(3):
        hub.process.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    os.kill(worker, signal.SIGCONT)
    said = [c.communicate(timeout=30)[1].decode() for c in commands]
    refused = [s for s in said if "another reload is under way" in s]
    assert len(refused) >= 1, said
    hub.says("generation 2")
    hub.stop()


@test
def a_handler_that_is_not_ready_after_a_reload_is_said(t):
    hub = t.start("drain_timeout: 1s" + ONE)
    write(hub, "drain_timeout: 1s" + ONE.replace("handlers: {", "handlers: {x: {plugin: log, options: {path: none/x}}, ").replace("to: log", "to: [log, x]"))
    out, _ = t.run("reload", "--control", hub.control)
    assert f"handler 'x' is opening: " in out.decode() and str(t.path("none")) in out.decode(), out
    result = reload(t, hub)
    equal([(h["name"], h["state"]) for h in result["not_ready"]], [("x", "opening")])
    hub.send("in", [b"one"])
    t.until_logged("log.out", [b"one"])
    hub.stop().says("in", accepted=1).says("in -> log", delivered=1).says("in -> x", in_flight=1)


@test
def a_stop_while_a_configuration_is_tried_is_said_and_obeyed(t):
    hub = t.start(ONE)
    slow = "handlers: {slow: {plugin: slow, options: {open: 2s}}, "
    write(hub, ONE.replace("handlers: {", slow).replace("{in: {fifo: in}}", "{in: {fifo: in}, b: {fifo: b}}").replace("to: log", "to: [log, slow]"))
    command = t.standpipe("reload", "--control", hub.control)
    until(lambda: t.path("b").exists(), "the next worker tries it")
    hub.process.terminate()
    _, err = command.communicate(timeout=40)
    assert "not reloaded: the hub is stopping" in err.decode(), err
    equal(command.returncode, 1)
    hub.wait()


@test
def a_stop_during_a_reload_is_obeyed(t):
    hub = t.start(ONE)
    hub.send("in", numbered(0, 100))
    for delay in (0, 0.01, 0.02, 0.03):
        command = t.standpipe("reload", "--control", hub.control)
        time.sleep(delay)
        hub.process.terminate()
        hub.wait().says("in", accepted=100 if delay == 0 else 0)
        hub.account.of("in -> log") if delay == 0 else None
        command.communicate(timeout=40)
        if delay < 0.03:
            hub.start()


@test
def the_worker_is_the_same_process_and_nothing_stays_open(t):
    hub = t.start(ONE)
    worker = worker_of(hub.process.pid)

    def descriptors():
        return [len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir())) for pid in (worker, hub.process.pid)]

    reload(t, hub)
    before = descriptors()
    for _ in range(5):
        reload(t, hub)
    equal(worker_of(hub.process.pid), worker)
    until(lambda: descriptors() == before, f"{before} are open, as before")  # a command that has ended may still be one
    equal(hub.stats()["restarts"], 0)
    hub.stop()


@test
def a_descriptor_that_the_command_line_names_is_none_of_a_later_worker_s(t):
    """Its number is something else by the second reload."""
    t.path("hub.yaml").write_text("version: 1\n" + ONE)
    third = ["sh", "-c", 'exec "$@" 3>said', "sh"]
    hub = t.standpipe_wrapped(third, "run", "hub.yaml", "--account", "/dev/fd/3", "--control", "control")
    while b"ready" not in hub.stderr.readline():
        pass
    for generation in (2, 3, 4):
        out, _ = t.run("reload", "--json", "--control", "control")
        equal(json.loads(out)["generation"], generation)
    os.kill(worker_of(hub.pid), signal.SIGKILL)  # so that one follows that the keeper starts
    until(lambda: b"went on" in hub.stderr.readline(), "another worker follows")
    t.run("reload", "--control", "control")
    hub.terminate()
    equal(hub.wait(20 * SLOW), 0)
    equal(list(json.loads(t.path("said").read_text())["sources"]), ["in"])


@test
def a_service_manager_hears_that_the_hub_reloads(t):
    import socket

    path = str(t.path("notify"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(10)
        os.environ["NOTIFY_SOCKET"] = path
        try:
            hub = t.start(ONE)
        finally:
            del os.environ["NOTIFY_SOCKET"]
        reload(t, hub)
        write(hub, "broken: [")
        reload(t, hub, status=1)
        hub.stop()
        heard = ""
        while "STOPPING=1" not in heard:
            heard += manager.recv(4096).decode() + "\n"
    states = re.findall(r"^(READY|RELOADING|STOPPING)=1", heard, re.MULTILINE)
    equal(states, ["READY", "RELOADING", "READY", "RELOADING", "READY", "STOPPING"])
    assert re.search(r"RELOADING=1\nMONOTONIC_USEC=\d+", heard), heard


@test
def an_unknown_hub_is_said_as_everywhere(t):
    command = subprocess.run([process.program(), "reload", "--control", t.path("none")], capture_output=True)
    equal((command.returncode, b"no hub answers" in command.stderr), (1, True))
