# SPDX-License-Identifier: Apache-2.0
"""What plugins of minor version 1 can do: settle messages later, be called by the clock."""

import os
import pathlib
import shutil
import signal
import sys
import time

from kit import equal, test, until

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "crash"))

from killer import children_of, worker_of  # noqa: E402 (its folder must be known first)

ONE = """
data_dir: state
sources: {in: {fifo: in}}
handlers:
  it: {plugin: %s, isolation: %s%s, options: {%s}}
routes: [{from: in, to: it}]
"""
QUICK = ", retry: {max_attempts: 3, backoff: {initial: 1ms, max: 5ms}}"
PLACES = ("inline", "thread", "process")


def clear(t):
    for left in list(t.path(".").iterdir()):
        if left.is_file():
            left.unlink()
    shutil.rmtree(t.path("state"), ignore_errors=True)


def delivered(t):
    """The sequences that the plugin wrote down."""
    return [int(line.split()[1]) for line in t.path("out").read_text().splitlines()] if t.path("out").exists() else []


def numbered(count):
    return [b"message %d" % i for i in range(count)]


def in_flight(hub):
    return hub.account_now().of("in -> it")["in_flight"]


# ---- messages that are settled later


@test(seconds=120)
def what_a_plugin_takes_is_settled_later_in_each_isolation(t):
    for place in PLACES:
        for backwards in ("false", "true"):
            clear(t)
            hub = t.start(ONE % ("taking", place, QUICK, f"path: out, backwards: {backwards}"))
            messages = numbered(3000)
            messages[100] = b"reject this"
            messages[200] = b"retry this"
            messages[300] = b"direct"
            hub.send("in", messages)
            until(lambda: in_flight(hub) == 0, "all are settled, the one at its third attempt")
            account = hub.stop().says("in", accepted=3000)
            account.says("in -> it", delivered=2999, dead_lettered=1, dead_letters={"rejected": 1})
            equal(sorted(delivered(t)), [i for i in range(1, 3001) if i not in (101, 301)])
            assert "in 201 3" in t.path("out").read_text().splitlines(), "the third attempt of the one"
            assert b"nobody wants message 101" in t.path("state/dead-letters.log").read_bytes()


@test(seconds=120)
def what_is_taken_when_a_worker_is_killed_is_redelivered(t):
    for place in PLACES:
        clear(t)
        hub = t.start(ONE % ("taking", place, "", "path: out, delay: 20ms, backwards: true"))
        for round in range(4):
            hub.send("in", numbered(500))
            until(lambda: len(delivered(t)) > round * 500, "some are delivered")
            os.kill(worker_of(hub.process.pid), signal.SIGKILL)
            hub.says("went on after", count=round + 1)
        hub.stop().all_delivered(2000)
        equal(sorted(set(delivered(t))), list(range(1, 2001)))


@test(seconds=120)
def what_is_taken_when_a_process_is_killed_is_redelivered(t):
    hub = t.start(ONE % ("taking", "process", "", "path: out, delay: 20ms"))
    child = lambda: until(lambda: children_of(worker_of(hub.process.pid)), "it has a process")[0]
    for round in range(3):
        hub.send("in", numbered(500))
        until(lambda: len(delivered(t)) > round * 500, "some are delivered")
        os.kill(child(), signal.SIGKILL)
    until(lambda: in_flight(hub) == 0, "all are settled")
    hub.stop().all_delivered(1500)
    equal(sorted(set(delivered(t))), list(range(1, 1501)))


@test
def a_stop_asks_for_what_is_taken_and_waits_for_it(t):
    for place in PLACES:
        clear(t)
        hub = t.start(ONE % ("taking", place, "", "path: out, until_flush: true, delay: 100ms"))
        hub.send("in", numbered(100))
        until(lambda: in_flight(hub) == 100, "all are taken")
        began = time.monotonic()
        hub.stop().all_delivered(100)
        assert time.monotonic() - began < 5, "it does not wait for drain_timeout"
        equal(delivered(t), list(range(1, 101)))


@test
def what_is_still_taken_at_the_end_is_saved_for_the_next_start(t):
    for place in PLACES:
        clear(t)
        yaml = "drain_timeout: 1s\n" + ONE % ("taking", place, "", "path: out")
        hub = t.start(yaml)
        hub.send("in", [b"one", b"forget this", b"three"])
        until(lambda: in_flight(hub) == 1, "two are delivered")
        account = hub.stop().says("in", accepted=3)
        equal(account.of("in -> it")["in_flight"], 1)
        hub = t.start(yaml.replace(f"plugin: taking, isolation: {place}", "plugin: recording"))
        hub.stop().says("in", accepted=1).says("in -> it", delivered=1)
        equal(t.path("out").read_text().splitlines()[-1].split()[:3], ["in", "1", "11"])


@test
def a_message_that_is_never_settled_fails_by_the_timeout(t):
    for place in PLACES:
        clear(t)
        hub = t.start(ONE % ("taking", place, QUICK + ", timeout: 100ms", "path: out"))
        hub.send("in", [b"one", b"forget this", b"three"])
        hub.says(r"dead-lettered \(retries_exhausted\): its plugin took it and did not settle it within 100ms")
        account = hub.stop().says("in", accepted=3)
        account.says("in -> it", delivered=2, dead_lettered=1, dead_letters={"retries_exhausted": 1})


@test
def what_is_taken_holds_its_writers_back_and_nothing_is_lost(t):
    hub = t.start(ONE % ("taking", "thread", "", "path: out, delay: 300ms"))
    hub.send("in", numbered(30_000))
    hub.stop(seconds=60).all_delivered(30_000)
    equal(sorted(delivered(t)), list(range(1, 30_001)))


# ---- the clock


@test
def a_plugin_is_called_by_the_clock_in_each_isolation(t):
    for place in PLACES:
        clear(t)
        hub = t.start(ONE % ("ticking", place, "", "path: ticks"))
        counts = lambda: [int(line) for line in t.path("ticks").read_text().split()]
        until(lambda: t.path("ticks").exists() and len(counts()) >= 3, "it is called though nothing comes")
        hub.send("in", numbered(10))
        until(lambda: sum(counts()) == 10, "it counts what came")
        hub.stop().all_delivered(10)


@test(seconds=120)
def a_tick_that_ends_its_process_again_and_again_holds_its_handler(t):
    t.only_uninstrumented()
    for place in PLACES:
        for by, more, said in (("crash", "", r"crashed \(SIGSEGV\)"), ("hang", ", timeout: 100ms", "did not come back within 100ms")):
            clear(t)
            hub = t.start(ONE % ("ticking", place, more, f"path: ticks, by: {by}, every: 1ms"))
            what = "its process" if place == "process" else "the worker"
            hub.says(rf"it is held: its plugin has ended {what} 3 times in tick \({said}\)", seconds=40)
            hub.stop()


@test
def a_tick_may_say_that_a_connection_is_lost_or_that_only_a_person_can_help(t):
    hub = t.start(ONE % ("ticking", "thread", "", "path: ticks, by: disconnected, every: 1ms"))
    hub.says("it: disconnected: its peer is away")
    t.path("cured").write_bytes(b"")
    hub.says("it: connected again|it: disconnected")
    hub.stop()
    clear(t)
    hub = t.start(ONE % ("ticking", "thread", "", "path: ticks, by: fatal, every: 1ms"))
    hub.says("it is held: the clock is wrong")
    hub.stop()


# ---- what is taken, and other configurations, and people


def tell(t, hub, *words):
    command = t.standpipe(*words, "--control", hub.control)
    out, err = command.communicate(timeout=60)
    equal(command.returncode, 0, f"standpipe {' '.join(words)}: {err.decode()} {out.decode()}")


@test
def a_reload_loses_nothing_of_what_is_taken(t):
    for place in ("thread", "process"):
        clear(t)
        hub = t.start(ONE % ("taking", place, "", "path: out, delay: 100ms"))
        for _ in range(3):
            hub.send("in", numbered(500))
            hub.config.write_text(hub.config.read_text() + "\n")
            tell(t, hub, "reload")
        until(lambda: in_flight(hub) == 0, "all are settled")
        hub.stop().all_delivered(1500)
        equal(sorted(set(delivered(t))), list(range(1, 1501)))


@test
def a_handler_that_is_held_has_taken_nothing(t):
    hub = t.start(ONE % ("taking", "thread", "", "path: out"))
    hub.send("in", [b"one", b"forget this"])
    until(lambda: in_flight(hub) == 1, "the other is delivered")
    tell(t, hub, "handler", "hold", "it")
    tell(t, hub, "handler", "skip", "it")
    hub.send("in", [b"three"])
    until(lambda: in_flight(hub) == 0, "the next one is delivered")
    hub.stop().says("in", accepted=3).says("in -> it", delivered=2, dead_lettered=1, dead_letters={"skipped": 1})
