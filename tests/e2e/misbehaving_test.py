# SPDX-License-Identifier: Apache-2.0
"""Plugins that are slow, reject, fail, lose their connection or never come back: contained, named and counted."""

import re
import time

from kit import equal, test, until

BESIDE = """
handlers:
  bad: {plugin: %s, options: {%s}%s}
  out: {plugin: log, options: {path: out, format: frames}}
routes: [{from: in, to: [bad, out]}]
"""
QUICK_RETRY = ", retry: {max_attempts: %d, backoff: {initial: 1ms, max: 5ms}}"


def beside(plugin, options="", more="", drain_timeout=None):
    """A misbehaving handler and a good one on one source."""
    patience = f"drain_timeout: {drain_timeout}\n" if drain_timeout else ""
    return patience + "sources: {in: {fifo: in}}" + BESIDE % (plugin, options, more)


def numbered(count):
    return [b"message %d" % i for i in range(count)]


def good_one_has(t, messages):
    t.until_logged("out", messages)
    equal(t.frames("out"), messages)


@test
def rejected_messages_are_dead_lettered_counted_and_reported(t):
    hub = t.start("data_dir: state\n" + beside("rejecting", "every: 3"))
    hub.send("in", numbered(100))
    account = hub.stop().says("in", accepted=100).says("in -> out", delivered=100)
    account.says("in -> bad", delivered=67, dead_lettered=33, dead_letters={"rejected": 33})
    assert 1 <= hub.stderr().count("bad: 1 message of in dead-lettered (rejected): message ") < 33, "some are told"
    letters = t.path("state/dead-letters.log").read_bytes()
    for i in range(2, 100, 3):
        assert b"message %d is one of those to reject" % (i + 1) in letters, "each letter has its reason"
        assert b"message %d" % i in letters, "and its message"


@test
def rejected_messages_are_dropped_and_counted_where_nobody_wants_letters(t):
    hub = t.start("data_dir: state\n" + beside("rejecting", "every: 3", ", dead_letter: false"))
    hub.send("in", numbered(100))
    account = hub.stop().says("in", accepted=100).says("in -> out", delivered=100)
    account.says("in -> bad", delivered=67, dropped={"rejected": 33})
    assert not t.path("state/dead-letters.log").exists()


@test
def the_reason_reported_for_a_message_is_its_own(t):
    hub = t.start("data_dir: state\n" + beside("rejecting", "every: 3"))
    hub.send("in", numbered(10))
    account = hub.stop().says("in", accepted=10).says("in -> out", delivered=10)
    account.says("in -> bad", delivered=7, dead_lettered=3)
    told = re.findall(r"message (\d+) is one of those to reject\n  note: message (\d+),", hub.stderr())
    equal(told, [("3", "3"), ("6", "6"), ("9", "9")])


@test
def messages_that_fail_are_tried_again_until_they_pass(t):
    hub = t.start(beside("retrying", "every: 5, attempts: 3", QUICK_RETRY % 5))
    hub.send("in", numbered(200))
    hub.stop().all_delivered(200)
    equal(t.frames("out"), numbered(200))


@test
def messages_that_fail_too_often_are_dead_lettered_and_counted(t):
    hub = t.start("data_dir: state\n" + beside("retrying", "every: 5, attempts: 3", QUICK_RETRY % 2))
    hub.send("in", numbered(100))
    account = hub.stop().says("in", accepted=100).says("in -> out", delivered=100)
    account.says("in -> bad", delivered=80, dead_lettered=20, dead_letters={"retries_exhausted": 20})
    assert "dead-lettered (retries_exhausted): attempt 2 fails" in hub.stderr()
    assert "bad: 1 message of in failed (attempt 1 of 2), and is tried again in 1ms: attempt 1 fails" in hub.stderr()


@test
def a_lost_connection_loses_no_message(t):
    hub = t.start(beside("disconnecting", "every: 50, failures: 3", QUICK_RETRY % 1))
    hub.send("in", numbered(1000))
    hub.says("warning.*bad: disconnected: open fails 3 more times")
    hub.stop().all_delivered(1000)
    assert "bad: connected again" in hub.stderr()


@test
def a_connection_that_delivered_something_starts_its_pauses_afresh(t):
    pauses = ", retry: {backoff: {initial: 50ms, max: 30s}}"
    hub = t.start(beside("disconnecting", "every: 50, failures: 0", pauses))
    hub.send("in", numbered(1000))  # 20 connections: a second of pauses, or, if they doubled on and on, 29 hours
    hub.stop().all_delivered(1000)


@test
def a_held_handler_waits_and_the_rest_continues(t):
    hub = t.start(beside("held", "at: 5", drain_timeout="300ms"))
    hub.send("in", numbered(20))
    hub.says("error.*bad is held: held at message 5")
    good_one_has(t, numbered(20))
    hub.send("in", [b"more"])
    good_one_has(t, numbered(20) + [b"more"])
    account = hub.stop().says("in", accepted=21).says("in -> out", delivered=21)
    account.says("in -> bad", delivered=4, in_flight=17)


@test
def a_held_handler_does_not_keep_a_hub_from_ending(t):
    hub = t.start(beside("held", "at: 1", drain_timeout="60s"))
    hub.send("in", numbered(1))
    hub.says("bad is held")
    began = time.monotonic()
    account = hub.stop().says("in", accepted=1).says("in -> out", delivered=1)
    account.says("in -> bad", in_flight=1)
    assert time.monotonic() - began < 20


@test
def a_plugin_stuck_in_a_call_holds_up_nobody_and_not_the_end(t):
    hub = t.start(beside("slow", "delay: 1h", drain_timeout="1s"))
    hub.send("in", numbered(3))
    good_one_has(t, numbered(3))
    hub.send("in", [b"more"])
    good_one_has(t, numbered(3) + [b"more"])
    account = hub.stop(seconds=3).says("in", accepted=4).says("in -> out", delivered=4)
    account.says("in -> bad", in_flight=4)
    assert "bad: its plugin does not come back from a call; the hub ends without it" in hub.stderr()


@test
def a_slow_plugin_that_comes_back_in_time_delivers_all(t):
    hub = t.start(beside("slow", "delay: 10ms"))
    hub.send("in", numbered(100))
    hub.stop().all_delivered(100)


@test
def a_plugin_is_given_each_message_once_numbered_and_in_order(t):
    hub = t.start("""
sources: {in: {fifo: in}, other: {fifo: other}}
handlers: {record: {plugin: recording, options: {path: record}}}
routes: [{from: [in, other], to: record}]
""")
    messages = [b"", bytes(range(256)), b"x" * 300_000] + numbered(2000)
    hub.send("in", messages)
    hub.send("other", messages[:3])
    hub.stop().all_delivered(len(messages), 3)
    lines = t.path("record").read_text().splitlines()
    for source, sent in (("in", messages), ("other", messages[:3])):
        expected = [f"{source} {i + 1} {len(m)} {fnv1a(m):016x}" for i, m in enumerate(sent)]
        equal([line for line in lines if line.startswith(source + " ")], expected)


def fnv1a(data):
    value = 14695981039346656037
    for byte in data:
        value = ((value ^ byte) * 1099511628211) & 0xFFFFFFFFFFFFFFFF
    return value


@test
def a_handler_says_its_last_words_when_it_is_closed(t):
    hub = t.start(beside("counting"))
    hub.send("in", [b"12345"] * 10)
    hub.stop().all_delivered(10)
    assert "bad: counted 10 messages, 50 bytes" in hub.stderr()


@test
def a_plugin_that_logs_without_end_neither_stops_the_hub_nor_fills_its_log(t):
    for isolation in ("thread", "process"):
        hub = t.start(beside("chatting", "lines: 1000", f", isolation: {isolation}"))
        hub.send("in", numbered(100))
        until(lambda: hub.account_now().of("in -> bad")["delivered"] == 100, "it has said 100,000 lines")
        hub.stop().all_delivered(100)
        said = hub.stderr()
        equal(said.count(": line "), 400)
        equal(said.count("error: bad: an error at message "), 100)
        assert re.search(r"warning: bad: it logs too much: 99,600 more lines were left out", said), said[-2000:]
        t.path("out").unlink()
        t.path(f"{hub.name}.stderr").unlink()
