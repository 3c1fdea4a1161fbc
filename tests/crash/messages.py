# SPDX-License-Identifier: Apache-2.0
"""What is sent: message i of a source is always the same, so nothing of it must be kept to be compared."""

import random
import zlib

from kit import frame

SIZES = [0, 1, 10, 10, 10, 128, 128, 128, 128, 128, 1024, 1024, 1024, 5 * 1024, 5 * 1024]
LARGE = {41: 70 * 1024, 77: 300 * 1024, 113: 70 * 1024}  # in each 150 messages
FILLER = bytes(random.Random(1).choices(b"abcdefghijklmnopqrstuvwxyz", k=1 << 20))
KINDS = b"prn"  # p: for print and recorder too; r: for recorder too; n: neither


class Messages:
    """The messages of one source, `a` or `b`, by index. Text without a newline, beginning with the kind and the source, except
    that the empty ones belong to `a` and those of one byte are the kind `a` or `b` alone."""

    def __init__(self, source, count, seed=0, large=True):
        self.source, self.count, self.seed, self.large = source, count, seed, large

    def __len__(self):
        return self.count

    def __iter__(self):
        return (self[i] for i in range(self.count))

    def __getitem__(self, i):
        size = self._size(i)
        if size <= 1:
            return self.source.encode()[:size]
        kind = KINDS[(i * 7 + i // 5) % 3]
        text = b"%c%s%08d" % (kind, self.source.encode(), i)
        at = (i * 7919) % (len(FILLER) // 2)
        return text + FILLER[at : at + size - len(text)]

    def _size(self, i):
        if self.large and i % 150 in LARGE:
            return LARGE[i % 150]
        size = SIZES[zlib.crc32(b"%d %s %d" % (self.seed, self.source.encode(), i)) % len(SIZES)]
        return 1 if size == 0 and self.source != "a" else size

    def frames(self, begin, end):
        return b"".join(frame(self[i]) for i in range(begin, end))


DEVICES = 7


class Readings(Messages):
    """The same as JSON objects, each of a device."""

    def __getitem__(self, i):
        text = super().__getitem__(i).decode()
        return b'{"device":"%s","number":%d,"text":"%s"}' % (self.device_of(i).encode(), i, text.encode())

    def device_of(self, i):
        return f"d{zlib.crc32(b'%d of %s' % (i, self.source.encode())) % DEVICES}"


def source_of(payload):
    """Which source a payload of any Messages is from."""
    return "a" if not payload else chr(payload[0]) if len(payload) == 1 else chr(payload[1])


def is_for_print(payload):
    return payload[:1] == b"p"


def is_for_recorder(payload):
    return payload[:1] in (b"p", b"r") and len(payload) > 0


ROUTES = """
routes:
  - {from: [a, b], to: [log, forward]}
  - {from: [a, b], match: {text: {prefix: p}}, to: [print, recorder]}
  - {from: [a, b], match: {text: {prefix: r}}, to: recorder}
"""
