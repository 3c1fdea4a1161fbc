# SPDX-License-Identifier: Apache-2.0
"""Dead letters: what cannot be delivered is kept, once each, and is listed, shown, exported and purged."""

import json
import os
import signal
import time

from kit import SLOW, equal, frames_in, test, until
from spill_test import numbered, worker_of

BESIDE = """
data_dir: state
%s
sources: {in: {fifo: in%s}}
handlers: {bad: {plugin: %s}, out: {plugin: log, options: {path: out, format: frames}}}
routes: [{from: in, to: [bad, out]}]
"""
REJECTING = "rejecting, options: {every: 1}"


def letters(t, *words):
    out, _ = t.run("dead", "list", "--json", *words)
    return [json.loads(line) for line in out.splitlines()]


def commands_work(t, *where):
    """On two letters, the second of which is purged."""
    first, second = letters(t, *where)
    equal((first["source"], first["handler"], first["plugin"], first["reason"]), ("in", "bad", "rejecting", "rejected"))
    equal(first["detail"], "message 1 is one of those to reject")
    out, _ = t.run("dead", "show", first["id"][:10], "--format", "raw", *where)
    equal(out, b"m\x1b[31m 0")
    out, _ = t.run("dead", "list", *where)
    assert first["id"] in out.decode() and b"\x1b" not in out, out
    name = f"frames{len(where)}-{where[0][-3:]}"
    t.run("dead", "export", t.path(name), *where)
    equal(t.path(name).read_bytes(), b"\x08\0\0\0m\x1b[31m 0\x08\0\0\0m\x1b[31m 1")


@test
def letters_are_listed_shown_exported_and_purged_beside_a_hub_and_without_one(t):
    hub = t.start(BESIDE % ("", "", REJECTING))
    messages = [b"m\x1b[31m %d" % i for i in range(2)]
    hub.send("in", messages)
    t.until_logged("out", messages)
    until(lambda: hub.account_now().of("in -> bad")["dead_lettered"] == 2, "they are dead-lettered")
    commands_work(t, "--control", hub.control)
    commands_work(t, "--data-dir", t.path("state"))
    _, err = t.run("dead", "purge", "--data-dir", t.path("state"), "--yes", status=1)
    assert "a running hub has this folder" in err, err
    out, _ = t.run("dead", "purge", "--control", hub.control, "--id", letters(t, "--control", hub.control)[0]["id"], "--yes")
    equal(out, b"removed 1 dead letter\n")
    hub.send("in", [b"one more"])
    until(lambda: hub.account_now().of("in -> bad")["dead_lettered"] == 3, "it goes on")
    equal([d["sequence"] for d in letters(t, "--control", hub.control)], [2, 3])
    hub.stop().says("in", accepted=3).says("in -> out", delivered=3).says("in -> bad", dead_lettered=3, dead_letters={"rejected": 3})
    equal([d["sequence"] for d in letters(t, "--data-dir", t.path("state"))], [2, 3])
    out, _ = t.run("dead", "purge", "--data-dir", t.path("state"), "--dry-run")
    equal(out, b"2 dead letters would be removed\n")
    t.run("dead", "purge", "--data-dir", t.path("state"), "--yes")
    equal(letters(t, "--data-dir", t.path("state")), [])


@test
def a_worker_that_is_killed_while_letters_are_written_loses_none_and_writes_none_twice(t):
    count = 60_000 if SLOW == 1 else 6_000
    hub = t.start(BESIDE % ("", "", REJECTING))
    sender = t.meanwhile(hub.send, "in", numbered(count))
    last = None
    for _ in range(4):
        time.sleep(0.3)
        last = until(lambda: (w := worker_of(hub)) != last and w, "the next worker")
        os.kill(last, signal.SIGKILL)
    sender.join()
    until(lambda: hub.account_now().of("in -> bad")["dead_lettered"] == count, "all are dead-lettered")
    hub.stop().says("in", accepted=count).says("in -> out", delivered=count).says("in -> bad", dead_lettered=count, dead_letters={"rejected": count})
    equal(sorted(d["sequence"] for d in letters(t, "--data-dir", t.path("state"))), list(range(1, count + 1)))


@test
def what_no_route_wants_is_kept_where_that_is_configured(t):
    hub = t.start(
        """
data_dir: state
unmatched: dead_letter
sources: {in: {fifo: in}}
handlers: {out: {plugin: log, options: {path: out, format: frames}}}
routes: [{from: in, match: {text: {prefix: a}}, to: out}]
"""
    )
    hub.send("in", [b"a", b"b", b"c"])
    until(lambda: hub.account_now().of("in -> dead_letter")["dead_lettered"] == 2, "they are kept")
    account = hub.stop().says("in", accepted=3, matched=1, unmatched=2, unmatched_taken=2, unmatched_to="dead_letter")
    account.says("in -> out", delivered=1).says("in -> dead_letter", unmatched=2, dead_lettered=2, dead_letters={"no_route": 2})
    kept = letters(t, "--data-dir", t.path("state"))
    equal([(d["reason"], d["detail"], d["sequence"]) for d in kept], [("no_route", "no route wants it", 2), ("no_route", "no route wants it", 3)])
    equal(hub.stderr().count("warning: in: no route"), 0)


@test
def a_letter_names_the_route_by_which_its_message_came(t):
    hub = t.start(
        """
data_dir: state
unmatched: dead_letter
sources: {in: {fifo: in}, beside: {fifo: beside}}
handlers:
  bad: {plugin: rejecting, options: {every: 1}}
  kept: {plugin: rejecting, options: {every: 1}, queue: {type: disk}}
routes:
  - {name: small, from: in, match: {text: {prefix: s}}, to: [bad, kept]}
  - {name: big, from: in, match: {text: {prefix: b}}, to: [bad, kept]}
  - {name: all of it, from: beside, to: bad}
"""
    )
    hub.send("in", [b"small", b"big", b"neither"])
    hub.send("beside", [b"one"])
    until(lambda: hub.account_now().of("in -> kept")["dead_lettered"] == 2, "they are dead-lettered")
    until(lambda: hub.account_now().of("in -> bad")["dead_lettered"] == 2, "here, too")
    until(lambda: hub.account_now().of("beside -> bad")["dead_lettered"] == 1, "of the other source")
    kept = letters(t, "--control", hub.control)
    equal(
        sorted((d["source"], d["handler"], d["route"] or "") for d in kept),
        [
            ("beside", "bad", "all of it"),
            ("in", "bad", "big"),
            ("in", "bad", "small"),
            ("in", "dead_letter", ""),
            ("in", "kept", "big"),
            ("in", "kept", "small"),
        ],
    )
    out, _ = t.run("dead", "show", next(d["id"] for d in kept if d["route"] == "big"), "--control", hub.control)
    assert b"\nroute          big\n" in out, out
    account = hub.stop().says("in", accepted=3, matched=2, unmatched=1, unmatched_taken=1, unmatched_to="dead_letter").says("beside", accepted=1)
    for source, handler, count in (("in", "bad", 2), ("beside", "bad", 1), ("in", "kept", 2)):
        account.says(f"{source} -> {handler}", dead_lettered=count, dead_letters={"rejected": count})
    account.says("in -> dead_letter", unmatched=1, dead_lettered=1, dead_letters={"no_route": 1})


@test
def what_grows_too_old_while_nobody_can_be_reached_is_dead_lettered(t):
    plugin = "disconnecting, options: {failures: 1000000}, retry: {max_age: 1s}"
    hub = t.start(BESIDE % ("drain_timeout: 500ms", "", plugin))
    hub.send("in", numbered(10))
    t.until_logged("out", numbered(10))
    until(lambda: hub.account_now().of("in -> bad")["dead_lettered"] == 10, "they are too old")
    hub.stop().says("in", accepted=10).says("in -> out", delivered=10).says("in -> bad", dead_lettered=10, dead_letters={"expired": 10})
    assert all(d["detail"] == "it is older than 1s: nobody had it by then" for d in letters(t, "--data-dir", t.path("state")))


@test
def letters_are_bounded_and_what_is_removed_is_counted(t):
    hub = t.start(BESIDE % ("dead_letters: {max_size: 1MiB}", "", REJECTING))
    messages = [b"%06d" % i + b"x" * 1000 for i in range(4000)]
    hub.send("in", messages)
    t.until_logged("out", messages)
    until(lambda: hub.account_now().of("in -> bad")["dead_lettered"] == 4000, "they are dead-lettered")
    removed = hub.stats()["removed_letters"]
    assert removed > 2500, removed
    kept = letters(t, "--control", hub.control)
    equal([d["sequence"] for d in kept], list(range(removed + 1, 4001)))
    assert sum(p.stat().st_size for p in t.path("state").glob("dead-letters*")) < 1_500_000
    hub.says("warning.*dead letters are kept up to 1MiB: the oldest, ")
    out, _ = t.run("stats", "--account", "--control", hub.control)
    assert f"dead letters removed, for there is a limit to them: {removed:,}" in out.decode(), out.decode()
    hub.stop().says("in", accepted=4000).says("in -> out", delivered=4000).says("in -> bad", dead_lettered=4000, dead_letters={"rejected": 4000})


@test
def a_source_with_a_rate_limit_lets_its_writers_wait(t):
    hub = t.start(
        """
sources: {slow: {fifo: slow, rate_limit: {per_second: 200, burst: 50}}, fast: {fifo: fast}}
handlers: {out: {plugin: log, options: {path: out, format: frames}}, beside: {plugin: log, options: {path: beside, format: frames}}}
routes: [{from: slow, to: out}, {from: fast, to: beside}]
"""
    )
    messages = [b"%06d" % i + b"x" * 1000 for i in range(450)]
    began = time.monotonic()
    sender = t.meanwhile(hub.send, "slow", messages)
    hub.send("fast", messages)
    t.until_logged("beside", messages)
    assert t.size("out") < sum(map(len, messages)), "the other source is not slowed down"
    t.until_logged("out", messages)
    took = time.monotonic() - began
    assert took > 1.8, f"450 messages, 50 of them at once, take about 2 s at 200/s, not {took:.1f} s"
    sender.join()
    equal(t.frames("out"), messages)
    hub.stop().says("slow", accepted=450).says("fast", accepted=450).says("slow -> out", delivered=450).says("fast -> beside", delivered=450)


@test
def letters_of_messages_that_are_counted_anew_after_a_reload_are_all_kept(t):
    hub = t.start(BESIDE % ("", "", REJECTING))
    hub.send("in", [b"a", b"b", b"c"])
    until(lambda: hub.account_now().of("in -> bad")["dead_lettered"] == 3, "they are dead-lettered")
    hub.config.write_text(hub.config.read_text().replace(REJECTING, REJECTING + ", queue: {type: disk}"))
    t.run("reload", "--control", hub.control)
    hub.send("in", [b"d", b"e", b"f", b"g"])
    until(lambda: hub.account_now().of("in -> bad")["dead_lettered"] == 7, "the others, too")
    equal(len({d["id"] for d in letters(t, "--control", hub.control)}), 7)
    hub.stop().says("in", accepted=7).says("in -> out", delivered=7).says("in -> bad", dead_lettered=7, dead_letters={"rejected": 7})


# ---- replays

TO = """
data_dir: state
sources: {in: {fifo: in}}
handlers: {it: {plugin: %s}}
routes: [{from: in, to: it}]
"""
MENDED = "log, options: {path: out, format: frames}"


def refused(t, messages):
    """By a hub whose handler rejects all of them."""
    hub = t.start(TO % REJECTING)
    hub.send("in", messages)
    until(lambda: hub.account_now().of("in -> it")["dead_lettered"] == len(messages), "they are dead-lettered")
    hub.stop().says("in", accepted=len(messages)).says("in -> it", dead_lettered=len(messages), dead_letters={"rejected": len(messages)})


def replay(t, hub, *words, status=0):
    out, err = t.run("dead", "replay", *words, "--control", hub.control, status=status)
    return out.decode(), err


def arrived(t, file="out"):
    """Also while it is being written."""
    return frames_in(t.path(file).read_bytes(), incomplete=True)[0] if t.size(file) else []


def kept(t):
    return letters(t, "--data-dir", t.path("state"))


@test
def letters_are_replayed_to_the_handler_that_had_refused_them(t):
    messages = numbered(500)
    refused(t, messages)
    out, err = t.run("dead", "replay", "--data-dir", t.path("state"), status=1)
    equal(out, b"")
    assert "only a running hub can give letters to their handlers" in err and "standpipe run CONFIG" in err, err
    out, err = t.run("dead", "replay", "--data-dir", t.path("state"), "--dry-run")
    equal(out.decode().split()[4:7], ["in", "it", "500"])
    assert "500 dead letters would be replayed" in err, err
    hub = t.start(TO % MENDED)
    _, err = t.run("dead", "replay", "--data-dir", t.path("state"), status=1)
    assert "a running hub has this folder" in err, err
    equal(len(kept(t)), 500)
    equal(replay(t, hub, "--id", kept(t)[7]["id"])[0], "replayed 1, failed 0, left 0\n")
    t.until_logged("out", [messages[7]])
    equal(replay(t, hub)[0], "replayed 499, failed 0, left 0\n")
    equal(t.frames("out"), [messages[7]] + messages[:7] + messages[8:])
    equal(kept(t), [])
    assert "there are no such dead letters" in replay(t, hub)[1]
    hub.stop().says("in", accepted=500).says("in -> it", delivered=500)
    equal(sorted(p.name for p in t.path("state").glob("dead-letters*")), [])


@test
def what_is_refused_again_is_a_new_letter_and_what_nobody_gets_stays(t):
    messages = numbered(8)
    refused(t, messages)
    hub = t.start(TO % "rejecting, options: {every: 2}")
    out, err = replay(t, hub, status=1)
    equal(out, "replayed 4, failed 4, left 0\n")
    assert "4 messages failed again, and each is a new dead letter" in err, err
    equal(len(kept(t)), 4)
    equal(sorted(d["attempts"] for d in kept(t)), [1] * 4)
    t.run("handler", "hold", "it", "--control", hub.control)
    out, err = replay(t, hub, "--json", status=1)
    equal(json.loads(out), {"replayed": 0, "failed": 0, "left": 4})
    assert "4 left: handler it is held: held by a person" in err, err
    equal(len(kept(t)), 4)
    account = hub.stop()
    account.says("in", accepted=8).says("in -> it", delivered=4, dead_lettered=4, dead_letters={"rejected": 4})


@test
def a_replay_has_a_rate_and_ends_when_a_person_interrupts_it(t):
    messages = numbered(100)
    refused(t, messages)
    hub = t.start(TO % MENDED)
    command = t.standpipe("dead", "replay", "--rate", "20/s", "--control", hub.control)
    until(lambda: len(arrived(t)) >= 3, "some come")
    _, err = replay(t, hub, status=1)
    assert "dead letters are being replayed already" in err, err
    _, err = t.run("dead", "purge", "--yes", "--control", hub.control, status=1)
    assert "being replayed, so none are purged" in err, err
    command.send_signal(signal.SIGINT)
    out, err = command.communicate(timeout=20)
    equal(command.returncode, 1)
    came = len(t.frames("out"))
    assert 3 <= came < 60, came
    equal(out.decode(), f"interrupted: replayed {came}, failed 0, left {100 - came}\n")
    equal(t.frames("out"), messages[:came])
    equal(len(kept(t)), 100 - came)
    command = t.standpipe("dead", "replay", "--rate", "1/s", "--control", hub.control)
    until(lambda: len(arrived(t)) == came + 1, "one comes")
    equal(t.run("dead", "replay", "--cancel", "--control", hub.control)[0][:32], b"the replay is being ended: what ")
    out, _ = command.communicate(timeout=20)
    equal((command.returncode, out.decode()[:24]), (1, "interrupted: replayed 1,"))
    hub.stop().says("in", accepted=came + 1).says("in -> it", delivered=came + 1)
    equal(len(kept(t)), 99 - came)


@test
def a_worker_that_is_killed_while_letters_are_replayed_loses_none(t):
    messages = numbered(3000)
    refused(t, messages)
    hub = t.start(TO % MENDED)
    command = t.standpipe("dead", "replay", "--rate", "2k/s", "--control", hub.control)
    last = None
    for part in range(1, 5):
        until(lambda: len(arrived(t)) >= part * 500, "some come")
        last = until(lambda: (w := worker_of(hub)) != last and w, "the next worker")
        os.kill(last, signal.SIGKILL)
    out, _ = command.communicate(timeout=60)
    equal((command.returncode, out.decode()), (0, "replayed 3,000, failed 0, left 0\n"))
    equal(t.frames("out"), messages)
    equal(kept(t), [])
    hub.stop().says("in", accepted=3000).says("in -> it", delivered=3000)


@test
def what_was_not_delivered_when_all_is_killed_is_still_a_letter(t):
    messages = numbered(1000)
    refused(t, messages)
    hub = t.start(TO % MENDED)
    command = t.standpipe("dead", "replay", "--rate", "1k/s", "--control", hub.control)
    until(lambda: len(arrived(t)) >= 300, "some come")
    for pid in hub.pids():
        os.kill(pid, signal.SIGKILL)
    equal(hub.wait_status(20), -signal.SIGKILL)
    _, err = command.communicate(timeout=20)
    equal(command.returncode, 1)
    assert b"what was not delivered is still among the dead letters" in err, err
    came = set(arrived(t))
    left = len(kept(t))
    assert len(messages) - len(came) <= left < 1000, (len(came), left)
    again = t.start(TO % MENDED.replace("path: out", "path: rest"))
    equal(replay(t, again)[0], f"replayed {left}, failed 0, left 0\n")
    equal(came | set(t.frames("rest")), set(messages))
    equal(kept(t), [])
    again.stop().says("in", accepted=left).says("in -> it", delivered=left)


BLOCKED = BESIDE % ("drain_timeout: 500ms", ", log: {max_size: 64KiB}", REJECTING)


@test
def a_file_of_dead_letters_that_cannot_be_read_makes_room_for_another(t):
    t.path("state").mkdir(mode=0o700)
    garbage = b"\0" * 5000
    t.path("state/dead-letters.log").write_bytes(garbage)
    hub = t.start(BLOCKED)
    messages = numbered(3000)
    hub.send("in", messages)
    t.until_logged("out", messages)
    until(lambda: hub.account_now().of("in -> bad")["dead_lettered"] == 3000, "all are dead-lettered")
    hub.says("error.*dead-letters.log is not a disk log.*: it is .*/dead-letters.log.damaged now, and another is begun")
    equal(t.path("state/dead-letters.log.damaged").read_bytes(), garbage)
    equal(len(letters(t, "--control", hub.control)), 3000)
    hub.stop().says("in -> bad", dead_lettered=3000).says("in", accepted=3000).says("in -> out", delivered=3000)


@test
def a_handler_whose_dead_letters_cannot_be_kept_says_so_and_stops_nobody(t):
    hub = t.start(BLOCKED)
    place = t.path("state/dead-letters.log")
    place.mkdir()
    messages = numbered(6000)
    hub.send("in", messages)
    t.until_logged("out", messages)
    hub.says("warning.*in: the log is full of what waits for bad, which cannot have its dead letters kept .*: from now on it goes to .*/state/queue/in/bad")
    out, _ = t.run("handler", "list", "--control", hub.control)
    row = next(line for line in out.decode().splitlines() if line.startswith("bad "))
    assert "retrying" in row and "cannot dead-letter a message" in row, out
    out, _ = t.run("stats", "--account", "--control", hub.control)
    assert "bad is retrying: cannot dead-letter a message" in out.decode(), out.decode()
    place.rmdir()
    until(lambda: hub.account_now().of("in -> bad")["dead_lettered"] == 6000, "there is room again", 30)
    out, _ = t.run("handler", "list", "--control", hub.control)
    row = next(line for line in out.decode().splitlines() if line.startswith("bad "))
    assert "ready" in row, out
    equal([d["sequence"] for d in letters(t, "--control", hub.control)], list(range(1, 6001)))
    hub.stop().says("in -> bad", dead_lettered=6000).says("in", accepted=6000).says("in -> out", delivered=6000)
