# SPDX-License-Identifier: Apache-2.0
"""What works on a hub for as long as it is told to: a thread that says what went wrong. And the killer of workers is one."""

import os
import random
import signal
import threading

from judge import Wrong
from killer import worker_of
from kit import Account, until

PATIENCE = 60  # seconds for the hub to notice something


class Actor(threading.Thread):
    """Takes its turns until it is told to end, or has done what it came for."""

    def __init__(self):
        super().__init__(daemon=True)
        self.told, self.error = threading.Event(), None

    def run(self):
        try:
            while not self.told.is_set() and self.turn() is not False:
                pass
        except BaseException as e:
            self.error = e
        finally:
            self.leave()

    def leave(self):
        pass

    def end(self, seconds=PATIENCE):
        self.told.set()
        self.join(seconds)
        if self.error:
            raise self.error
        if self.is_alive():
            raise Wrong(f"{type(self).__name__} does not end")


def account_of(hub):
    """Now; a worker that dies while it answers is asked again."""
    return until(lambda: _account_of(hub), "the hub tells its account", PATIENCE)


def _account_of(hub):
    try:
        said = hub.stats()
    except AssertionError:  # no whole answer
        assert hub.process.poll() is None, "the hub has ended"
        return None
    return Account(said)


def until_seen(hub, condition, what):
    """Until its account says so."""
    until(lambda: condition(account_of(hub)), what, PATIENCE)


class WorkerKiller(Actor):
    """Kills the worker at random instants, so many seconds apart on average."""

    def __init__(self, hub, pause):
        super().__init__()
        self.hub, self.pause, self.kills, self.chance, self.last = hub, pause, 0, random.Random(3), None
        self.start()

    def turn(self):
        if self.told.wait(self.chance.expovariate(1 / self.pause)):
            return
        worker = worker_of(self.hub.process.pid)
        if worker not in (self.hub.process.pid, self.last):  # or the next one is not there yet
            os.kill(worker, signal.SIGKILL)
            self.last, self.kills = worker, self.kills + 1
