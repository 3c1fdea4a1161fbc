# SPDX-License-Identifier: Apache-2.0
"""Messages that plugins make: handlers emit them, and sources put them."""

import json
import os
import pathlib
import signal
import sys
import time

from kit import equal, frames_in, test, until

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "crash"))

from killer import children_of, worker_of  # noqa: E402 (its folder must be known first)

PLACES = ("inline", "thread", "process")

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
    account.says("in -> shape", delivered=2, dead_lettered=1)
    account.says("shape", accepted=2).says("shape -> big", delivered=1).says("shape -> rest", delivered=1)


@test(seconds=120)
def what_is_emitted_is_there_once_though_workers_and_processes_are_killed(t):
    for place in ("thread", "process"):
        restart_clean(t)
        hub = t.start(SHAPED % place)
        for round in range(5):
            hub.send("in", [b'{"n": %d}' % i for i in range(round * 2000, round * 2000 + 2000)])
            victim = worker_of(hub.process.pid)
            if place == "process" and round % 2:
                victim = until(lambda: children_of(worker_of(hub.process.pid)), "it has a process")[0]
            os.kill(victim, signal.SIGKILL)
        hub.stop(seconds=40).all_delivered(10_000, 10_000)
        equal([json.loads(line)["n"] for line in t.path("rest.out").read_text().splitlines()], list(range(10_000)))


@test
def where_no_room_is_for_what_is_emitted_the_handler_waits(t):
    yaml = SHAPED.replace("plugin: log, options: {path: rest.out, format: lines}", "plugin: forward, options: {fifo: next}")
    reader = t.reader("next") if os.mkfifo(t.path("next"), 0o600) is None else None
    hub = t.start(yaml % "thread")
    messages = [b'{"n": %d, "pad": "%s"}' % (i, b"x" * 1000) for i in range(6000)]
    sending = t.meanwhile(hub.send, "in", messages)
    until(lambda: hub.account_now().of("shape")["accepted"] > 1000, "some are emitted")
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
        for _ in range(3):
            some = len(numbers_in(t))
            until(lambda: len(numbers_in(t)) > some, "some come")
            os.kill(worker_of(hub.process.pid), signal.SIGKILL)
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
    t.run("handler", "hold", "numbers", "--control", str(hub.control))
    time.sleep(0.3)
    count = hub.account_now().of("numbers")["accepted"]
    time.sleep(0.3)
    equal(hub.account_now().of("numbers")["accepted"], count)
    t.run("handler", "retry", "numbers", "--control", str(hub.control))
    until(lambda: hub.account_now().of("numbers")["accepted"] > count, "it goes on")
    account = hub.stop()
    account.all_delivered(account.of("numbers")["accepted"])


@test
def a_chain_of_handlers_is_drained_to_its_end_at_a_stop(t):
    hub = t.start("""
data_dir: state
sources: {in: {fifo: in}}
handlers:
  one: {plugin: transform, options: {set: {/one: 1}}}
  two: {plugin: transform, isolation: process, options: {set: {/two: 2}}}
  three: {plugin: transform, isolation: inline, options: {set: {/three: 3}}}
  out: {plugin: log, options: {path: rest.out, format: lines}}
routes: [{from: in, to: one}, {from: one, to: two}, {from: two, to: three}, {from: three, to: out}]
""")
    hub.send("in", [b'{"n": %d}' % i for i in range(5000)])
    hub.stop(seconds=40).all_delivered(5000, 5000, 5000, 5000)
    lines = t.path("rest.out").read_text().splitlines()
    equal(json.loads(lines[-1]), {"n": 4999, "one": 1, "two": 2, "three": 3})
