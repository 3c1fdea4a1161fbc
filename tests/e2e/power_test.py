# SPDX-License-Identifier: Apache-2.0
"""The power fails: what a queue with `sync: always`, has taken is there, and of dead letters all but a second's."""

import json
import time

from kit import equal, test, until
from kit.power import Power
from spill_test import numbered

QUEUE = """
data_dir: state
sources: {in: {fifo: in, log: {max_size: 64KiB}}}
handlers: {out: {plugin: forward, options: {fifo: out}, queue: {type: disk%s}}}
routes: [{from: in, to: out}]
"""
REJECTS = """
data_dir: state
sources: {in: {fifo: in}}
handlers: {bad: {plugin: rejecting, options: {every: 1}}}
routes: [{from: in, to: bad}]
"""


def saved(hub):
    """What is in the queue's files, by the account."""
    return hub.account_now().of("in -> out").get("saved", 0)


@test
def what_a_queue_that_syncs_always_has_taken_survives(t):
    power = Power(t, "state")
    hub = t.start(QUEUE % ", sync: always", env=power.environment)
    messages = [m + b"." * 200 for m in numbered(4000)]
    hub.send("in", messages)  # more than FIFO and log have room for, so some are taken by now
    told = saved(hub)
    power.fail(hub)
    assert 1000 < told, told
    hub = t.start(QUEUE % ", sync: always")
    came = saved(hub)
    assert came >= told, f"{told} were taken before the power failed, and {came} are there"
    equal(t.reader("out").take(came), messages[:came], "the first ones, in order")
    hub.stop().says("in -> out", delivered=came)


@test
def what_a_queue_that_syncs_at_intervals_has_taken_survives_but_for_the_last_moment(t):
    power = Power(t, "state")
    hub = t.start(QUEUE % ", sync: interval", env=power.environment)
    messages = numbered(1000)
    hub.send("in", messages)
    until(lambda: saved(hub) == 1000, "all are in the queue")
    time.sleep(0.5)
    power.fail(hub)
    hub = t.start(QUEUE % "")
    equal(saved(hub), 1000)
    equal(t.reader("out").take(1000), messages)
    hub.stop().says("in -> out", delivered=1000)


@test
def a_sync_that_fails_is_not_taken_for_one_that_worked(t):
    power = Power(t, "state")
    hub = t.start(QUEUE % ", sync: always", env=power.environment)
    messages = numbered(300)
    hub.send("in", messages[:100])
    until(lambda: saved(hub) == 100, "the first are taken")
    power.fails.touch()
    hub.send("in", messages[100:200])
    hub.says("in -> out: .*Input/output error")
    equal(saved(hub), 100)
    power.fails.unlink()
    hub.send("in", messages[200:])
    until(lambda: saved(hub) == 300, "all are taken, once the disk works again")
    power.fail(hub)
    hub = t.start(QUEUE % "")
    equal(saved(hub), 300)
    equal(t.reader("out").take(300), messages)
    hub.stop().says("in -> out", delivered=300)


@test
def dead_letters_survive_but_for_the_last_second(t):
    power = Power(t, "state")
    hub = t.start(REJECTS, env=power.environment)
    hub.send("in", [b"%d" % i for i in range(3000)])
    until(lambda: hub.account_now().of("in -> bad")["dead_lettered"] == 3000, "all are letters")
    time.sleep(1.1)  # they are synced with the next one, so that one that rejects all costs a sync a second
    hub.send("in", [b"last"])
    until(lambda: hub.account_now().of("in -> bad")["dead_lettered"] == 3001, "the last, too")
    power.fail(hub)
    out, _ = t.run("dead", "list", "--data-dir", t.path("state"), "--json")
    equal([json.loads(line)["sequence"] for line in out.splitlines()], list(range(1, 3002)))
