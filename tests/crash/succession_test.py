# SPDX-License-Identifier: Apache-2.0
"""A keeper that is killed while its worker gives way to the next one, or stops: the worker, old or new, saves what waits."""

import itertools
import subprocess

from deaths_test import gone, killed
from killer import Killer, compile_into, worker_of
from kit import SLOW, equal, test, until

HUB = """
data_dir: state
sources: {in: {fifo: in}}
handlers: {log: {plugin: log, options: {path: out, format: frames, sync: never}}}
routes: [{from: in, to: log, name: way%d}]
"""
MESSAGES = 20  # before each reload
STRIDE = 3  # of the keeper's system calls


def numbered(first, last):
    return [b"m %d" % i for i in range(first, last)]


def reload_shot_at(t, hub, killer, call, round):
    """The keeper is killed before that call of its, in the reload or in the stop that follows; false: it made fewer."""
    hub.config.write_text("version: 1\n" + HUB % round)
    worker = worker_of(hub.process.pid)
    shot = Killer(killer, hub.process.pid, hub.process.pid, "--when", "before", "--at", str(call))
    asked = t.standpipe("reload", "--control", hub.control)
    until(lambda: asked.poll() is not None or hub.process.poll() is not None, "the keeper is dead, or the reload is over", 60)
    if hub.process.poll() is None:
        asked.communicate(timeout=20 * SLOW)
        hub.process.terminate()  # it may still come to that call
    if hub.process.wait(30 * SLOW) == 0:
        hub.ended = True
        shot.end()
        return False
    killed(hub)
    until(lambda: gone(worker), "the worker ends", 30)
    try:
        asked.communicate(timeout=20 * SLOW)
    except subprocess.TimeoutExpired:
        raise AssertionError("the command does not learn that the hub is gone") from None
    shot.end()
    return True


@test(seconds=400)
def a_keeper_killed_at_its_calls_of_a_reload_leaves_a_worker_that_saves(t):
    t.only_uninstrumented()
    killer = compile_into(t.folder)
    sent = kills = 0
    for round in itertools.count():
        hub = t.start(HUB % round)
        hub.send("in", numbered(sent, sent + MESSAGES))
        sent += MESSAGES
        if not reload_shot_at(t, hub, killer, 1 + round * STRIDE, round + 1):
            break
        kills += 1
    assert kills > 5, f"the keeper was killed {kills} times: it makes more calls than that in a reload"
    last = t.start(HUB % 0)
    t.until_logged("out", numbered(0, sent))
    last.stop()
    equal(t.frames("out"), numbered(0, sent))
