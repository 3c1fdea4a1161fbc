# SPDX-License-Identifier: Apache-2.0
"""Messages that plugins make: handlers emit them, and sources put them."""

import json
import os
import pathlib
import shutil
import signal
import sys
import time

from kit import equal, frames_in, test, until

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "crash"))

from killer import children_of, worker_of  # noqa: E402 (its folder must be known first)

PLACES = ("thread", "process")

SHAPED = """
data_dir: state
sources: {in: {fifo: in}}
handlers:
  shape: {plugin: transform, isolation: %s, options: {set: {/shaped: true}, add_meta: {kind: "{json:/kind|none}"}}}
  big: {plugin: log, options: {path: big.out, format: jsonl}}
  rest: {plugin: log, options: {path: rest.out, format: lines}}
routes:
  - {from: in, to: shape}
  - {from: shape, match: {meta: {kind: big}}, to: big, final: true}
  - {from: shape, to: rest}
"""
NUMBERS = """
data_dir: state
sources:
  numbers: {plugin: generate, isolation: %s, options: {count: %d, rate: %d, payload: "{sequence}"}%s}
handlers: {out: {plugin: log, options: {path: out, format: frames, sync: never}}}
routes: [{from: numbers, to: out}]
"""


def numbers_in(t, name="out"):
    path = t.path(name)
    return [int(p) for p in frames_in(path.read_bytes(), incomplete=True)[0]] if path.exists() else []


def restart_clean(t):
    for left in t.path(".").glob("*.out"):
        left.unlink()
    shutil.rmtree(t.path("state"), ignore_errors=True)


@test(seconds=120)
def what_a_handler_emits_goes_on_by_its_routes_in_each_isolation(t):
    for place in PLACES:
        restart_clean(t)
        hub = t.start(SHAPED % place)
        hub.send("in", [b'{"n": %d, "kind": "%s"}' % (i, b"big" if i % 10 == 0 else b"small") for i in range(3000)])
        account = hub.stop()
        account.says("in", accepted=3000).says("in -> shape", delivered=3000)
        account.says("shape", accepted=3000).says("shape -> big", delivered=300).says("shape -> rest", delivered=2700)
        rest = [json.loads(line) for line in t.path("rest.out").read_text().splitlines()]
        equal([m["n"] for m in rest], [i for i in range(3000) if i % 10])
        assert all(m["shaped"] for m in rest)
        big = [json.loads(line) for line in t.path("big.out").read_text().splitlines()]
        equal([m["source"] for m in big], ["shape"] * 300)
        equal(big[0].get("meta"), {"kind": "big"})


@test
def what_is_rejected_is_not_emitted(t):
    hub = t.start(SHAPED % "thread")
    hub.send("in", [b'{"kind": "big"}', b"no json", b'{"kind": "small"}'])
    account = hub.stop()
    account.says("in", accepted=3).says("in -> shape", delivered=2, dead_lettered=1)
    account.says("shape", accepted=2).says("shape -> big", delivered=1).says("shape -> rest", delivered=1)


@test(seconds=120)
def what_is_emitted_is_there_once_though_workers_and_processes_are_killed(t):
    for place in PLACES:
        restart_clean(t)
        hub = t.start(SHAPED % place)
        kills = 0
        for round in range(5):
            hub.send("in", [b'{"n": %d}' % i for i in range(round * 2000, round * 2000 + 2000)])
            if place == "process" and round % 2:
                os.kill(until(lambda: children_of(worker_of(hub.process.pid)), "it has a process")[0], signal.SIGKILL)
                continue
            os.kill(worker_of(hub.process.pid), signal.SIGKILL)
            kills += 1
            hub.says("went on after", count=kills)
        hub.stop(seconds=40).all_delivered(10_000, 10_000)
        equal([json.loads(line)["n"] for line in t.path("rest.out").read_text().splitlines()], list(range(10_000)))


@test
def where_no_room_is_for_what_is_emitted_the_handler_waits(t):
    yaml = SHAPED.replace("plugin: log, options: {path: rest.out, format: lines}", "plugin: forward, options: {fifo: next}")
    reader = t.reader("next") if os.mkfifo(t.path("next"), 0o600) is None else None
    hub = t.start(yaml % "thread")
    messages = [b'{"n": %d, "pad": "%s"}' % (i, b"x" * 1000) for i in range(6000)]
    sending = t.meanwhile(hub.send, "in", messages)
    until(lambda: hub.account_now().of("shape")["accepted"] > 300, "some are emitted")
    before = until(lambda: settled_for(0.5, lambda: hub.account_now().of("shape")["accepted"]), "it waits")
    assert before < 6000, before
    equal([json.loads(m)["n"] for m in reader.take(6000)], list(range(6000)))
    sending.join()
    hub.stop().all_delivered(6000, 6000)


def settled_for(seconds, value):
    """The value, if it stays the same for so long."""
    before = value()
    time.sleep(seconds)
    return before if value() == before else None


@test
def what_waits_of_what_was_emitted_is_saved_and_comes_first(t):
    yaml = "drain_timeout: 1s\n" + SHAPED.replace("plugin: log, options: {path: rest.out, format: lines}", "plugin: %s")
    hub = t.start(yaml % ("thread", "held"))
    hub.send("in", [b'{"n": %d}' % i for i in range(100)])
    account = hub.stop().says("in", accepted=100).says("in -> shape", delivered=100).says("shape", accepted=100)
    equal(account.of("shape -> rest")["in_flight"], 100)
    hub = t.start(yaml % ("thread", "log, options: {path: rest.out, format: lines}"))
    hub.send("in", [b'{"n": %d}' % i for i in range(100, 200)])
    hub.stop().all_delivered(100, 200)
    equal([json.loads(line)["n"] for line in t.path("rest.out").read_text().splitlines()], list(range(200)))


@test(seconds=120)
def what_a_source_puts_is_delivered_in_each_isolation(t):
    for place in PLACES:
        t.path("out").unlink(missing_ok=True)
        t.path("state/resume").unlink(missing_ok=True)
        hub = t.start(NUMBERS % (place, 20_000, 0, ""))
        until(lambda: hub.account_now().of("numbers")["accepted"] == 20_000, f"all are put, {place}")
        hub.stop().all_delivered(20_000)
        equal(numbers_in(t), list(range(1, 20_001)))


@test(seconds=120)
def a_source_goes_on_where_it_was_after_stops_and_deaths(t):
    for place in PLACES:
        t.path("out").unlink(missing_ok=True)
        t.path("state/resume").unlink(missing_ok=True)
        yaml = NUMBERS % (place, 3000, 2000, "")
        hub = t.start(yaml)
        for kills in range(3):
            some = len(numbers_in(t))
            until(lambda: len(numbers_in(t)) > some, "some come")
            os.kill(worker_of(hub.process.pid), signal.SIGKILL)
            hub.says("went on after", count=kills + 1)
        first = hub.stop().of("numbers")["accepted"]
        hub.account.all_delivered(first)
        hub = t.start(yaml)
        if place == "process":
            os.kill(until(lambda: children_of(worker_of(hub.process.pid)), "it has a process")[0], signal.SIGKILL)
        until(lambda: len(numbers_in(t)) >= 3000, f"all come, {place}")
        hub.stop().all_delivered(3000 - first)
        equal(numbers_in(t), list(range(1, 3001)))


@test
def after_the_death_of_all_a_source_repeats_and_loses_nothing(t):
    hub = t.start(NUMBERS % ("thread", 3000, 2000, ""))
    until(lambda: len(numbers_in(t)) > 2200, "a good part has come")
    for pid in hub.pids():
        os.kill(pid, signal.SIGKILL)
    hub.process.wait()
    hub.ended = True
    hub = t.start(NUMBERS % ("thread", 3000, 2000, ""))
    until(lambda: 3000 in numbers_in(t), "the last one comes")
    account = hub.stop()
    account.all_delivered(account.of("numbers")["accepted"])
    numbers = numbers_in(t)
    equal(sorted(set(numbers)), list(range(1, 3001)))
    assert len(numbers) < 6000, "it does not begin at the beginning"


@test
def a_limit_of_the_rate_holds_for_a_source_with_a_plugin(t):
    hub = t.start(NUMBERS % ("thread", 100_000, 0, ", rate_limit: {per_second: 1000, burst: 100}"))
    time.sleep(1.5)
    accepted = hub.account_now().of("numbers")["accepted"]
    assert 500 < accepted < 5000, accepted
    account = hub.stop()
    account.all_delivered(account.of("numbers")["accepted"])


@test
def a_held_source_brings_nothing_and_goes_on_when_it_is_released(t):
    hub = t.start(NUMBERS % ("thread", 100_000, 1000, ""))
    until(lambda: len(numbers_in(t)) > 10, "some come")
    said, _ = t.run("handler", "hold", "numbers", "--control", str(hub.control))
    assert said.startswith(b"numbers is held: it brings no message until `standpipe handler retry numbers`"), said
    _, said = t.run("handler", "skip", "numbers", "--control", str(hub.control), status=1)
    equal(said, "error: numbers is a source: it brings messages, so none waits for it\n  help: let it go on: standpipe handler retry numbers\n")
    shown, _ = t.run("stats", "--interval", "0s", "--control", str(hub.control))
    assert shown.endswith(b"\nsource numbers is held: held by a person\n"), shown
    time.sleep(0.3)
    count = hub.account_now().of("numbers")["accepted"]
    time.sleep(0.3)
    equal(hub.account_now().of("numbers")["accepted"], count)
    t.run("handler", "retry", "numbers", "--control", str(hub.control))
    until(lambda: hub.account_now().of("numbers")["accepted"] > count, "it goes on")
    account = hub.stop()
    account.all_delivered(account.of("numbers")["accepted"])


@test
def a_hub_whose_source_is_held_stops_at_once_and_the_next_one_goes_on_there(t):
    for place in ("inline", "thread", "process"):
        restart_clean(t)
        t.path("out").unlink(missing_ok=True)
        yaml = NUMBERS % (place, 300, 1000, "")
        hub = t.start(yaml)
        until(lambda: len(numbers_in(t)) > 10, "some come")
        t.run("handler", "hold", "numbers", "--control", str(hub.control))
        began = time.monotonic()
        account = hub.stop()
        assert time.monotonic() - began < 5, "it does not wait for drain_timeout"
        account.all_delivered(account.of("numbers")["accepted"])
        hub = t.start(yaml)
        until(lambda: len(numbers_in(t)) >= 300, "the rest comes")
        hub.stop()
        equal(numbers_in(t), list(range(1, 301)))


# What it emits waits for a handler that is held at its first message: in its log, in that handler's queue on the disk, or in
# an overflow; a stop saves the rest. All of it is there once the handler can.
@test(seconds=240)
def what_was_emitted_waits_on_the_disk_over_stops_and_comes_once_and_in_order(t):
    waits = (
        ", queue: {type: disk, sync: never}",
        ", queue: {type: memory, max_messages: 100, when_full: block}",
        "",
    )
    for place in PLACES:
        for queue in waits:
            for left in list(t.path(".").glob("*out*")) + list(t.path(".").glob("in*")):
                left.unlink()
            restart_clean(t)
            yaml = """
data_dir: state
drain_timeout: 1s
sources: {in: {fifo: in}}
handlers:
  again: {plugin: emitting, isolation: %s%s}
  out: {plugin: %%s%s}
routes: [{from: in, to: again}, {from: again, to: out}]
unmatched: drop
""" % (place, queue if "memory" not in queue else "", queue)
            messages = [b"%d" % i for i in range(2000)]
            for part in range(3):
                hub = t.start(yaml % "held, options: {at: 1}")
                hub.send("in", messages[part * 500 : part * 500 + 500])
                until(lambda: hub.account_now().of("in")["accepted"] >= 500, "they are accepted")
                if part == 1:
                    os.kill(worker_of(hub.process.pid), signal.SIGKILL)
                    hub.says("went on after")
                hub.stop(seconds=40)
            hub = t.start(yaml % "log, options: {path: out, format: frames}")
            hub.send("in", messages[1500:])
            until(lambda: len(numbers_in(t)) >= 2000, f"all come, {place}{queue}", 60)
            hub.stop(seconds=40)
            equal(numbers_in(t), list(range(2000)), f"{place}{queue}")


@test
def a_chain_of_handlers_is_drained_to_its_end_at_a_stop(t):
    hub = t.start("""
data_dir: state
sources: {in: {fifo: in}}
handlers:
  one: {plugin: transform, options: {set: {/one: 1}}}
  two: {plugin: transform, isolation: process, options: {set: {/two: 2}}}
  three: {plugin: emitting}
  out: {plugin: log, options: {path: rest.out, format: lines}}
routes: [{from: in, to: one}, {from: one, to: two}, {from: two, to: three}, {from: three, to: out}]
""")
    hub.send("in", [b'{"n": %d}' % i for i in range(5000)])
    hub.stop(seconds=40).all_delivered(5000, 5000, 5000, 5000)
    lines = t.path("rest.out").read_text().splitlines()
    equal(json.loads(lines[-1]), {"n": 4999, "one": 1, "two": 2})


EMITTING = """
data_dir: state
sources: {in: {fifo: in}}
handlers:
  again: {plugin: emitting, isolation: %s%s, retry: {backoff: {initial: 1ms, max: 5ms}}}
  out: {plugin: log, options: {path: rest.out, format: lines}}
routes: [{from: in, to: again}, {from: again, match: {meta: {from: in}}, to: out}]
unmatched: drop
"""


def lines_of(t):
    return t.path("rest.out").read_text().splitlines()


@test(seconds=120)
def what_is_emitted_of_a_message_that_kills_its_plugin_is_nothing(t):
    for place in ("inline", "thread", "process"):
        restart_clean(t)
        hub = t.start(EMITTING % (place, ""))
        hub.send("in", [b"%d" % i for i in range(20)] + [b"die"] + [b"%d" % i for i in range(20, 40)])
        until(lambda: hub.account_now().of("in -> again")["delivered"] == 40, f"all others are through, {place}")
        account = hub.stop().says("in", accepted=41)
        account.says("in -> again", delivered=40, dead_lettered=1)
        account.says("again", accepted=40).says("again -> out", delivered=40)
        equal(sorted(map(int, lines_of(t))), list(range(40)))


@test
def of_a_message_that_is_retried_only_the_last_attempt_emits(t):
    for place in ("inline", "thread", "process"):
        restart_clean(t)
        hub = t.start(EMITTING % (place, ", options: {times: 3}"))
        hub.send("in", [b"a", b"retry", b"quiet", b"b"])
        until(lambda: in_flight(hub, "in -> again") == 0, "all are through")
        account = hub.stop().says("in", accepted=4).says("in -> again", delivered=3, filtered=1)
        account.says("again", accepted=9).says("again -> out", delivered=9)
        equal(sorted(lines_of(t)), ["a"] * 3 + ["b"] * 3 + ["retry"] * 3)


def in_flight(hub, delivery):
    return hub.account_now().of(delivery)["in_flight"]


@test
def what_one_message_makes_has_a_bound_and_is_rejected_beyond_it(t):
    hub = t.start(EMITTING % ("thread", ", options: {times: 1024}"))
    hub.send("in", [b"x"])
    hub.stop().all_delivered(1, 1024)
    restart_clean(t)
    hub = t.start(EMITTING % ("thread", ", options: {times: 1025}"))
    hub.send("in", [b"x"])
    until(lambda: hub.account_now().of("in -> again")["dead_lettered"] == 1, "it is refused")
    account = hub.stop().says("in", accepted=1).says("in -> again", dead_lettered=1, dead_letters={"rejected": 1})
    account.says("again", accepted=1024).says("again -> out", delivered=1024)  # a message that is rejected may emit


@test
def what_nobody_takes_is_said_once_and_costs_nothing(t):
    hub = t.start(EMITTING.replace("routes: [{from: in, to: again}, {from: again, match: {meta: {from: in}}, to: out}]", "routes: [{from: in, to: [again, out]}]") % ("thread", ""))
    hub.send("in", [b"x"] * 100)
    hub.says("again: what it emits goes nowhere: no route is from: again")
    hub.stop().says("in", accepted=100).says("in -> again", delivered=100).says("in -> out", delivered=100)


NUMBERING = """
data_dir: state
sources:
  numbers: {plugin: numbering, isolation: %s, options: {count: %d, heard: heard%s}%s}
handlers: {out: {plugin: %s}}
routes: [{from: numbers, to: out}]
"""
OUT = "log, options: {path: out, format: frames, sync: never}"


def heard(t):
    return [int(line) for line in t.path("heard").read_text().splitlines()] if t.path("heard").exists() else []


@test(seconds=120)
def a_source_hears_what_is_safe_in_each_isolation(t):
    for place in ("inline", "thread", "process"):
        for left in ("out", "heard", "state/resume"):
            t.path(left).unlink(missing_ok=True)
        hub = t.start(NUMBERING % (place, 1000, "", "", OUT))
        until(lambda: heard(t)[-1:] == [1000], f"it hears of all, {place}")
        hub.stop().all_delivered(1000)
        equal(heard(t), sorted(set(heard(t))))
        equal(numbers_in(t), list(range(1, 1001)))


@test
def with_ack_settled_nothing_is_safe_before_a_handler_has_it_and_with_accepted_it_is(t):
    hub = t.start(NUMBERING % ("thread", 100, "", "", "held"))
    until(lambda: hub.account_now().of("numbers")["accepted"] == 100, "all are put")
    time.sleep(0.3)
    equal(heard(t), [])
    equal(hub.stop().says("numbers", accepted=100).of("numbers -> out")["in_flight"], 100)
    shutil.rmtree(t.path("state"))
    hub = t.start(NUMBERING % ("thread", 100, "", ", ack: accepted", "held"))
    until(lambda: heard(t)[-1:] == [100], "it hears that the log has all")
    equal(hub.stop().says("numbers", accepted=100).of("numbers -> out")["in_flight"], 100)


@test(seconds=120)
def a_source_that_dies_in_polls_is_held_and_named(t):
    for place in ("inline", "thread", "process"):
        for left in ("out", "heard", "state/resume"):
            t.path(left).unlink(missing_ok=True)
        hub = t.hub(NUMBERING % (place, 1000, ", die: 130", "", OUT)).launch()
        hub.says("numbers is held: its plugin has ended (the worker|its process) 3 times in poll")
        account = hub.stop()
        assert account.of("numbers")["accepted"] in (100, 101), account.of("numbers")
        account.says("numbers -> out", delivered=100)
        equal(numbers_in(t), list(range(1, 101)))


@test
def what_a_source_put_before_it_is_disconnected_is_kept(t):
    hub = t.start(NUMBERING % ("thread", 120, ", end: disconnected", "", OUT))
    until(lambda: len(numbers_in(t)) == 120, "all come")
    hub.says("numbers: disconnected: there is nothing left")
    hub.stop().all_delivered(120)
    t.path("out").unlink()
    shutil.rmtree(t.path("state"))
    hub = t.start(NUMBERING % ("thread", 120, ", end: fatal", "", OUT))
    hub.says("numbers is held: there is nothing left")
    until(lambda: len(numbers_in(t)) == 120, "all come")
    hub.stop().all_delivered(120)


@test
def a_source_and_a_handler_that_emits_come_and_go_by_reload(t):
    full = """
data_dir: state
sources:
  in: {fifo: in}
  numbers: {plugin: generate, options: {count: 4000, rate: 2000, payload: "{sequence}"}}
handlers:
  again: {plugin: emitting}
  out: {plugin: log, options: {path: out, format: frames, sync: never}}
  rest: {plugin: log, options: {path: rest.out, format: lines}}
routes: [{from: in, to: again}, {from: again, to: rest}, {from: numbers, to: out}]
"""
    less = full.replace("  numbers: {plugin: generate, options: {count: 4000, rate: 2000, payload: \"{sequence}\"}}\n", "")
    less = less.replace("{from: again, to: rest}, {from: numbers, to: out}", "{from: in, to: [rest, out]}")
    hub = t.start(full)
    hub.send("in", [b"one"])
    until(lambda: len(numbers_in(t)) > 100, "some come")
    for text in (less, full, full.replace("rate: 2000", "rate: 3000")):
        hub.config.write_text("version: 1\n" + text)
        t.run("reload", "--control", str(hub.control))
    hub.send("in", [b"two"])
    until(lambda: numbers_in(t)[-1:] == [4000], "the last one comes", seconds=30)
    until(lambda: lines_of(t) == ["one", "two"], "both are emitted")
    account = hub.stop()
    for name in account.parts:
        account.of(name)
    equal(numbers_in(t), list(range(1, 4001)))


@test(seconds=60)
def a_chain_of_handlers_goes_on_with_little_memory(t):
    hub = t.start("""
memory_max: 1MiB
data_dir: state
sources: {in: {fifo: in, framing: {max_message_size: 4KiB}}}
handlers:
  one: {plugin: emitting, isolation: thread}
  two: {plugin: emitting, isolation: process}
  three: {plugin: emitting}
  four: {plugin: emitting, isolation: thread}
  out: {plugin: log, options: {path: rest.out, format: lines}}
routes: [{from: in, to: one}, {from: one, to: two}, {from: two, to: three}, {from: three, to: four}, {from: four, to: out}]
""")
    hub.send("in", [b"%d %s" % (i, b"x" * 1000) for i in range(3000)])
    until(lambda: t.path("rest.out").exists() and len(lines_of(t)) == 3000, "all are through", seconds=40)
    hub.stop().all_delivered(3000, 3000, 3000, 3000, 3000)


@test(seconds=60)
def what_one_message_makes_is_bounded_by_bytes_too(t):
    hub = t.start(EMITTING.replace("sources: {in: {fifo: in}}", "sources: {in: {fifo: in, framing: {max_message_size: 2MiB}}}") % ("thread", ", options: {times: 1000}"))
    hub.send("in", [b"x" * 60_000, b"small"])
    until(lambda: hub.account_now().of("in -> again")["dead_lettered"] == 1, "sixty million bytes are too many", seconds=40)
    until(lambda: hub.account_now().of("in -> again")["delivered"] == 1, "the next one is through")
    account = hub.stop().says("in", accepted=2)
    account.says("in -> again", delivered=1, dead_lettered=1, dead_letters={"rejected": 1})
    made = account.of("again")["accepted"]
    account.says("again", accepted=made).says("again -> out", delivered=made)


@test(seconds=60)
def a_rejected_message_emits_once_though_its_letter_cannot_be_kept(t):
    """What is rejected and cannot be kept is given anew, and then nothing was emitted of it."""
    hub = t.start(EMITTING % ("thread", ", options: {times: 1025}"))
    letters = t.path("state/dead-letters.log")
    letters.mkdir()
    hub.send("in", [b"x"])
    time.sleep(3)
    equal(hub.account_now().of("again")["accepted"], 0)
    letters.rmdir()
    until(lambda: hub.account_now().of("in -> again")["dead_lettered"] == 1, "it is kept at last", seconds=30)
    account = hub.stop().says("in", accepted=1).says("in -> again", dead_lettered=1, dead_letters={"rejected": 1})
    account.says("again", accepted=1024).says("again -> out", delivered=1024)


@test(seconds=60)
def a_source_that_is_not_settled_keeps_its_place_through_a_death_of_its_worker(t):
    hub = t.start(NUMBERING % ("thread", 100, "", "", "held"))
    until(lambda: hub.account_now().of("numbers")["accepted"] == 100, "all are put")
    hub.stop()
    equal(hub.account.of("numbers -> out")["in_flight"], 100)
    hub.account.says("numbers", accepted=100)
    before = t.path("state/resume").read_bytes()
    hub = t.start(NUMBERING % ("thread", 200, "", "", "held"))
    os.kill(worker_of(hub.process.pid), signal.SIGKILL)
    hub.says("went on after")
    until(lambda: hub.account_now().of("numbers")["accepted"] >= 100, "it goes on")
    time.sleep(2.5)
    equal(t.path("state/resume").read_bytes(), before)
    account = hub.stop()
    equal(account.of("numbers")["accepted"], 200)  # what an earlier run left, and what is new
    equal(account.of("numbers -> out")["in_flight"], 200)
