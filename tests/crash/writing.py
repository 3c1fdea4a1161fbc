# SPDX-License-Identifier: Apache-2.0
"""Who writes into a hub's FIFOs: steadily, rubbish, or until killed inside a frame."""

import os
import random
import struct
import subprocess
import sys
import time

from actor import PATIENCE, Actor, until_seen
from killer import waits_for_events
from kit import until


class SteadyWriter(Actor):
    """So many messages a second through two open writers in turn, so that their order is known; both leave now and then."""

    def __init__(self, path, messages, rate, sent=0):
        super().__init__()
        self.path, self.messages, self.rate, self.sent = path, messages, rate, sent
        self.fds, self.chance, self.began = [], random.Random(str(path)), time.monotonic() - sent / rate
        self.start()

    def turn(self):
        due = int((time.monotonic() - self.began) * self.rate) - self.sent
        if due <= 0:
            return time.sleep(0.01)
        if not self.fds:
            self.fds = [os.open(self.path, os.O_WRONLY | os.O_NONBLOCK) for _ in range(2)]  # ENXIO: nobody reads it
            for fd in self.fds:
                os.set_blocking(fd, True)
        end = self.sent + min(due, self.chance.randint(1, 200))  # one that was held up does not catch up at once
        view = memoryview(self.messages.frames(self.sent, end))
        while view:
            view = view[os.write(self.fds[self.chance.randrange(2)], view) :]
        self.sent = end
        if self.chance.random() < 0.02:
            self.leave()

    def leave(self):
        while self.fds:
            os.close(self.fds.pop())


class GarbageWriter(Actor):
    """Some frames, then something else; the next visit comes when the hub listens again."""

    KINDS = [b"\xff\xff\xff\xff", b"GET / HTTP/1.1\r\n", b"\0\0\0\xf0"]  # no length that is allowed

    def __init__(self, path, messages, hub, name, pause=0.05):
        super().__init__()
        self.path, self.messages, self.hub, self.name, self.pause = path, messages, hub, name, pause
        self.sent, self.visits, self.bytes, self.chance = 0, 0, 0, random.Random(1)
        self.start()

    def turn(self):
        end = self.sent + self.chance.randint(0, 3)
        garbage = self.chance.choice(self.KINDS) + self.chance.randbytes(self.chance.randint(0, 200_000))
        with open(self.path, "wb", buffering=0) as fifo:
            for data in (self.messages.frames(self.sent, end), garbage):
                view = memoryview(data)
                while view:
                    view = view[fifo.write(view) :]
        self.sent, self.visits, self.bytes = end, self.visits + 1, self.bytes + len(garbage)
        until_seen(self.hub, lambda a: a.of(self.name)["discarded_bytes"] >= self.bytes, f"{self.visits} times garbage is discarded")
        until(lambda: waits_for_events(self.hub.process.pid), "the hub sees the garbage's writer go", PATIENCE)
        time.sleep(self.pause)


class TruncatingWriter(Actor):
    """A process that is killed inside a large frame, and the next one when the hub has counted that. `least` and `most`: how many
    bytes of truncated frames went into the FIFO."""

    PROGRAM = """
import os, sys
path, size, head = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
data = memoryview(sys.stdin.buffer.read(size))
fd = os.open(path, os.O_WRONLY)
for part in (data[:head], data[head:]):
    while part:
        part = part[os.write(fd, part):]
    print(flush=True)
sys.stdin.read()
"""

    def __init__(self, path, messages, hub, name, times=None, pause=0.05):
        super().__init__()
        self.path, self.messages, self.hub, self.name, self.times, self.pause = path, messages, hub, name, times, pause
        self.sent, self.visits, self.least, self.most, self.chance = 0, 0, 0, 0, random.Random(2)
        self.start()

    def turn(self):
        end, size = self.sent + self.chance.randint(0, 3), self.chance.randint(64 << 10, 300 << 10)
        truncated = struct.pack("<I", size) + self.chance.randbytes(self.chance.randint(1, size - 1))
        self._die_after(self.messages.frames(self.sent, end), truncated)
        self.sent, self.visits = end, self.visits + 1
        until_seen(self.hub, lambda a: a.of(self.name)["truncated"] >= self.visits, f"truncated frame {self.visits} is counted")
        time.sleep(self.pause)
        return self.visits != self.times

    def _die_after(self, whole, truncated):
        data, head = whole + truncated, len(whole) + 5
        command = [sys.executable, "-I", "-S", "-c", self.PROGRAM, str(self.path), str(len(data)), str(head)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
            child.stdin.write(data)
            child.stdin.flush()
            assert child.stdout.read(1)  # something of the frame is in the FIFO
            amid = self.chance.random() < 0.5
            time.sleep(0.003 * self.chance.random()) if amid else child.stdout.read(1)
            child.kill()
        self.least, self.most = self.least + (5 if amid else len(truncated)), self.most + len(truncated)
