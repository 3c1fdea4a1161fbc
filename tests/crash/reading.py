# SPDX-License-Identifier: Apache-2.0
"""Who reads what a hub delivers, and judges it as it comes."""

import fcntl
import os
import random
import select
import subprocess
import threading
import time

from actor import PATIENCE, Actor, account_of
from judge import Wrong, mark
from killer import waits_for_events
from kit import frames_in, until
from numbered import InOrder, mark_in_line, number_of


class FrameReader(Actor):
    """Frames by `letter`: {letter: (messages, order)}. What follows a file of frames, or a FIFO of them."""

    def __init__(self, what, places):
        super().__init__()
        self.what, self.places, self.rest = what, places, b""

    def came(self, data):
        payloads, self.rest = frames_in(self.rest + data, incomplete=True)
        for payload in payloads:
            letter = chr(payload[0]) if payload else ""
            if letter not in self.places:
                raise Wrong(f"{self.what}: {len(payload)} bytes that nobody sent, they begin with {payload[:40]!r}")
            messages, order = self.places[letter]
            order.came(number_of(payload, messages, self.what))


class StayingReader(FrameReader):
    """Never dies, and must never see the end of the file."""

    def __init__(self, path, places):
        super().__init__(path.name, places)
        self.fd, self.begun = os.open(path, os.O_RDONLY | os.O_NONBLOCK), False
        self.start()

    def turn(self):
        if not select.select([self.fd], [], [], 0.02)[0]:
            return
        data = os.read(self.fd, 1 << 18)
        if not data and self.begun:
            raise Wrong(f"{self.what}: the end of the file")
        self.begun = self.begun or bool(data)
        self.came(data) if data else time.sleep(0.01)


class LogReader(FrameReader):
    """Follows a log through its rotations. Behind a death its last frame may be there in part, and is cut off then."""

    def __init__(self, path, places):
        super().__init__(path.name, places)
        self.path, self.at = path, 0
        until(path.exists, f"{path} is made")
        self.file = path.open("rb")
        self.start()

    def turn(self):
        data = os.pread(self.file.fileno(), 1 << 20, self.at)
        self.rest = b""
        self.came(data)
        self.at += len(data) - len(self.rest)
        if len(self.rest) == len(data):  # nothing whole
            self._next_file() if not data else None
            time.sleep(0.01)

    def _next_file(self):
        newer = None
        for path in [self.path, *(self.path.with_name(f"{self.path.name}.{i}") for i in range(1, 100))]:
            try:
                is_ours = path.samefile(f"/proc/self/fd/{self.file.fileno()}")
            except FileNotFoundError:
                continue
            if is_ours:
                break
            newer = path
        else:
            return
        if newer and os.fstat(self.file.fileno()).st_size == self.at:
            self.file.close()
            self.file, self.at = newer.open("rb"), 0


class RecordReader(Actor):
    """The lines of a recorder, whose file is a FIFO, so that they are judged at once and need no room."""

    def __init__(self, path, messages, order):
        super().__init__()
        os.mkfifo(path, 0o600)
        self.fd, self.messages, self.order, self.rest = os.open(path, os.O_RDWR | os.O_NONBLOCK), messages, order, b""
        fcntl.fcntl(self.fd, fcntl.F_SETPIPE_SZ, 1 << 20)
        self.start()

    def turn(self):
        if not select.select([self.fd], [], [], 0.02)[0]:
            return
        *lines, self.rest = (self.rest + os.read(self.fd, 1 << 18)).split(b"\n")
        for line in lines:
            _, number, came = mark_in_line(line)
            if came != mark(self.messages[number]):
                raise Wrong(f"{self.order.what}: {line!r} is not what was sent")
            self.order.came(number)


class DyingReader(FrameReader):
    """A process that reads, and is killed at a random instant; the next one comes when the hub has seen the FIFO without a reader. It
    must begin with a whole frame, and what is missing before that must be counted as unacknowledged. After so many `times` it
    stays."""

    def __init__(self, path, messages, hub, part, life=0.1, times=None):
        self.order = InOrder(path.name, again=0, may_have_gap=True)
        super().__init__(path.name, {messages.letter.decode(): (messages, self.order)})
        self.path, self.hub, self.part, self.life, self.times = path, hub, part, life, times
        self.deaths, self.chance, self.stays = 0, random.Random(4), threading.Event()
        self.counted, self.counted_before = 0, 0  # as unacknowledged: by now, and before the last of whom something came
        self.start()

    def turn(self):
        begin, missing = self.order.next, self.order.missing
        self.rest, self.order.may_have_gap = b"", True
        self._visit(self.chance.expovariate(1 / self.life))
        if self.order.missing - missing > self.counted - self.counted_before:
            raise Wrong(f"{self.what}: from {begin} on {self.order.missing - missing} are missing, not counted as unacknowledged")
        if self.order.next > begin:
            self.counted_before = self.counted
        self.deaths += 1
        until(lambda: waits_for_events(self.hub.process.pid), "the hub sees the reader's death", PATIENCE)
        account_of(self.hub)  # answered by the loop: what it was told of before is dealt with in the round after
        self.counted = account_of(self.hub).of(self.part)["unacknowledged"]
        if self.deaths == self.times:
            self.stays.set()

    def _visit(self, seconds):
        end = time.monotonic() + seconds
        with subprocess.Popen(["cat", self.path], stdout=subprocess.PIPE) as child:
            fd = child.stdout.fileno()
            while not self.told.is_set() and (self.stays.is_set() or time.monotonic() < end):
                if select.select([fd], [], [], 0.005)[0]:
                    self.came(os.read(fd, 1 << 18))
            child.kill()
            while data := os.read(fd, 1 << 18):  # what it had passed on
                self.came(data)
