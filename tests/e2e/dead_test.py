# SPDX-License-Identifier: Apache-2.0
"""Dead letters: what cannot be delivered is kept, once each, and is listed, shown, exported and purged."""

import json
import os
import signal
import time

from kit import SLOW, equal, test, until
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
