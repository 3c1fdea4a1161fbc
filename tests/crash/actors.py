# SPDX-License-Identifier: Apache-2.0
"""Who writes into a hub's FIFOs and reads from them, for as long as it is told to: a thread each, which says what went wrong."""

import fcntl
import os
import random
import select
import signal
import struct
import subprocess
import sys
import threading
import time

from judge import Wrong, mark
from killer import waits_for_events, worker_of
from kit import Account, frames_in, until
from numbered import InOrder, mark_in_line, number_of

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


# ---- writers


class SteadyWriter(Actor):
    """So many messages a second through two open writers in turn, so that their order is known; both leave now and then."""

    def __init__(self, path, messages, rate):
        super().__init__()
        self.path, self.messages, self.rate = path, messages, rate
        self.sent, self.fds, self.chance, self.began = 0, [], random.Random(str(path)), time.monotonic()
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
        until_seen(self.hub, lambda a: a.of(self.name)["discarded_bytes"] >= self.bytes, f"{self.visits} times garbage is drained")
        until(lambda: waits_for_events(self.hub.process.pid), "the hub sees the garbage's writer go", PATIENCE)
        time.sleep(self.pause)


class TornWriter(Actor):
    """A process that is killed inside a large frame, and the next one when the hub has counted that. `least` and `most`: how many
    bytes of torn frames went into the FIFO."""

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
        torn = struct.pack("<I", size) + self.chance.randbytes(self.chance.randint(1, size - 1))
        self._die_after(self.messages.frames(self.sent, end), torn)
        self.sent, self.visits = end, self.visits + 1
        until_seen(self.hub, lambda a: a.of(self.name)["truncated"] >= self.visits, f"torn frame {self.visits} is counted")
        time.sleep(self.pause)
        return self.visits != self.times

    def _die_after(self, whole, torn):
        data, head = whole + torn, len(whole) + 5
        command = [sys.executable, "-I", "-S", "-c", self.PROGRAM, str(self.path), str(len(data)), str(head)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
            child.stdin.write(data)
            child.stdin.flush()
            assert child.stdout.read(1)  # something of the frame is in the FIFO
            amid = self.chance.random() < 0.5
            time.sleep(0.003 * self.chance.random()) if amid else child.stdout.read(1)
            child.kill()
        self.least, self.most = self.least + (5 if amid else len(torn)), self.most + len(torn)


class Murderer(Actor):
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


# ---- readers


class FrameReader(Actor):
    """Frames by `letter`: {letter: (messages, order)}. What follows a file of frames, or a FIFO of them."""

    def __init__(self, what, places):
        super().__init__()
        self.what, self.places, self.rest = what, places, b""

    def came(self, data):
        payloads, self.rest = frames_in(self.rest + data, partial=True)
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
    must begin with a whole frame, and what is missing before that must be counted as taken by the dead ones. After so many `times` it
    stays."""

    def __init__(self, path, messages, hub, part, life=0.1, times=None):
        self.order = InOrder(path.name, again=0, may_have_gap=True)
        super().__init__(path.name, {messages.letter.decode(): (messages, self.order)})
        self.path, self.hub, self.part, self.life, self.times = path, hub, part, life, times
        self.deaths, self.chance, self.stays = 0, random.Random(4), threading.Event()
        self.counted, self.counted_before = 0, 0  # as taken by dead readers: by now, and before the last of whom something came
        self.start()

    def turn(self):
        begin, missing = self.order.next, self.order.missing
        self.rest, self.order.may_have_gap = b"", True
        self._visit(self.chance.expovariate(1 / self.life))
        if self.order.missing - missing > self.counted - self.counted_before:
            raise Wrong(f"{self.what}: from {begin} on {self.order.missing - missing} are missing, not counted as taken by dead readers")
        if self.order.next > begin:
            self.counted_before = self.counted
        self.deaths += 1
        until(lambda: waits_for_events(self.hub.process.pid), "the hub sees the reader's death", PATIENCE)
        self.counted = account_of(self.hub).of(self.part)["taken_by_dead_reader"]
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
