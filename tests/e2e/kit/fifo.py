# SPDX-License-Identifier: Apache-2.0
"""The other ends of the hub's FIFOs: programs that write frames and programs that read them."""

import array
import errno
import fcntl
import os
import select
import struct
import termios
import time

from kit.timing import SLOW, until


def frame(payload):
    return struct.pack("<I", len(payload)) + payload


def stream(messages):
    return b"".join(map(frame, messages))


def frames_in(data, incomplete=False):
    """The payloads of a stream. What is truncated at its end is an error, unless `incomplete`: then (payloads, rest)."""
    payloads, at = [], 0
    while at + 4 <= len(data):
        (size,) = struct.unpack_from("<I", data, at)
        if at + 4 + size > len(data):
            break
        payloads.append(bytes(data[at + 4 : at + 4 + size]))
        at += 4 + size
    if incomplete:
        return payloads, bytes(data[at:])
    assert at == len(data), f"{len(data) - at} bytes after {len(payloads)} frames: {bytes(data[at : at + 40])!r}"
    return payloads


def bytes_waiting(fd):
    count = array.array("i", [0])
    fcntl.ioctl(fd, termios.FIONREAD, count)
    return count[0]


class Writer:
    """Has a FIFO open to write, as any program would: blocking."""

    def __init__(self, path, packets=False):
        self.fd = os.open(path, os.O_WRONLY)
        if packets:
            fcntl.fcntl(self.fd, fcntl.F_SETFL, os.O_DIRECT)

    def write(self, data):
        view = memoryview(data)
        while view:
            view = view[os.write(self.fd, view) :]

    def send(self, *messages):
        self.write(stream(messages))

    def write_seen(self, data):
        """Returns once the hub has taken it."""
        self.write(data)
        self.wait_seen()

    def wait_seen(self):
        until(lambda: bytes_waiting(self.fd) == 0, "the hub takes what was written")

    def fill(self):
        """Writes frames until there is no room for a while, as a blocked writer would. Returns their payloads."""
        os.set_blocking(self.fd, False)
        payloads, quiet_since = [], time.monotonic()
        while time.monotonic() - quiet_since < 0.3 * SLOW:
            payload = b"%08d" % len(payloads) + bytes(1000)
            try:
                os.write(self.fd, frame(payload))  # below PIPE_BUF: all or nothing
                payloads.append(payload)
                quiet_since = time.monotonic()
            except BlockingIOError:
                time.sleep(0.002)
        os.set_blocking(self.fd, True)
        return payloads

    def close(self):
        os.close(self.fd)


class Reader:
    """Has a FIFO open to read; waits for the FIFO to be made."""

    def __init__(self, path):
        until(lambda: os.path.exists(path), f"{path} is made")
        self.fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.eof = False  # nobody has it open to write
        self._held = bytearray()
        self._at = 0  # what take has given out of it

    def read_some(self, size=1 << 20, seconds=20):
        """Bytes, as soon as there are some. Writers may still have to come, or to come again."""
        deadline = time.monotonic() + seconds * SLOW
        while True:
            try:
                data = os.read(self.fd, size)
                self.eof = not data
                if data:
                    return data
            except OSError as e:
                if e.errno != errno.EAGAIN:
                    raise
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"nothing to read for {seconds * SLOW:g} s")
            if self.eof:
                time.sleep(0.002)  # poll would say HUP again and again
            else:
                select.select([self.fd], [], [], left)

    def read_to_end(self):
        """What there is until the writers have left."""
        os.set_blocking(self.fd, True)
        with open(self.fd, "rb", closefd=False) as file:
            return file.read()

    def take(self, count, seconds=20):
        """The next `count` payloads. What was read after them is kept for the next call."""
        payloads = []
        while len(payloads) < count:
            payload = self._next_payload()
            if payload is None:
                self._held += self.read_some(seconds=seconds)
            else:
                payloads.append(payload)
        del self._held[: self._at]
        self._at = 0
        return payloads

    def _next_payload(self):
        """Of what is held, without moving it: frames may be as large as they like, and many."""
        if self._at + 4 > len(self._held):
            return None
        begin = self._at + 4
        end = begin + struct.unpack_from("<I", self._held, self._at)[0]
        if end > len(self._held):
            return None
        self._at = end
        return bytes(self._held[begin:end])

    def close(self):
        os.close(self.fd)
