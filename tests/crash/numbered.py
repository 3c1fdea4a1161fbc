# SPDX-License-Identifier: Apache-2.0
"""Messages that carry their number, for runs without an end: nothing of them is kept, each is judged as it arrives."""

from judge import BATCH_MAX, Wrong
from kit import frame
from messages import FILLER

KiB = 1024


class Numbered:
    """The messages of one source: a letter of its own, nine digits, filler; as many small ones as large ones, by orders of
    magnitude. One in 100,000 is a trap, if there are any: `X` is its letter."""

    TRAP_EVERY, TRAP_FIRST = 100_000, 5_000  # the first one early, for short runs

    def __init__(self, letter, least=10, most=300 * KiB, traps=False):
        self.letter, self.least, self.ratio, self.traps = letter.encode(), least, most / least, traps

    def __getitem__(self, i):
        chance = (i * 2654435761 + self.letter[0] * 40503) % (1 << 32) / (1 << 32)
        size = int(self.least * self.ratio**chance)
        at = (i * 7919) % (len(FILLER) // 2)
        return b"%s%09d" % (b"X" if self.is_trap(i) else self.letter, i) + FILLER[at : at + size - 10]

    def frames(self, begin, end):
        return b"".join(frame(self[i]) for i in range(begin, end))

    def is_trap(self, i):
        return self.traps and i % self.TRAP_EVERY == self.TRAP_FIRST

    def traps_before(self, end):
        return max(0, (end - self.TRAP_FIRST - 1) // self.TRAP_EVERY + 1) if self.traps else 0


def number_of(payload, messages, what):
    """Of one that arrived, which must be byte for byte what was sent."""
    digits = payload[1:10]
    if not digits.isdigit() or payload != messages[int(digits)]:
        raise Wrong(f"{what}: {len(payload)} bytes that nobody sent, they begin with {payload[:40]!r}")
    return int(digits)


class InOrder:
    """The numbers that arrive at one place. Of a call that a death cut off so many messages may come `again`. None is missing, but
    where there `may_have_gap`, before the next one that comes: then `missing` counts them."""

    def __init__(self, what, again=BATCH_MAX, may_have_gap=False, leaves_out=lambda i: False):
        self.what, self.again, self.may_have_gap, self.leaves_out = what, again, may_have_gap, leaves_out
        self.next, self.repeats, self.missing = 0, 0, 0

    def came(self, number):
        self._step_over()
        if number > self.next and not self.may_have_gap:
            raise Wrong(f"{self.what}: {self.next} is missing, {number} came in its place")
        if number < self.next - self.again:
            raise Wrong(f"{self.what}: {number} came again after {self.next - 1}")
        self.repeats += number < self.next
        self.missing += max(0, number - self.next)
        self.next, self.may_have_gap = number + 1, False

    def has_all(self, count):
        self._step_over()
        return self.next >= count

    def _step_over(self):
        while self.leaves_out(self.next):
            self.next += 1


class AtOneOf:
    """The numbers that arrive at one or the other of several places: each at one of them, once, and at each in order."""

    def __init__(self, names):
        self.places = {name: _Place(name, self) for name in names}
        self.seen = set()

    def at(self, name):
        return self.places[name]

    def has_all(self, count):
        return len(self.seen) >= count

    def text(self):
        return ", ".join(f"{place.count:,} to {name}" for name, place in self.places.items())


class _Place:
    def __init__(self, name, whole):
        self.name, self.whole, self.last, self.count = name, whole, -1, 0

    def came(self, number):
        if number <= self.last:
            raise Wrong(f"{self.name}: {number} came after {self.last}")
        if number in self.whole.seen:
            raise Wrong(f"{self.name}: {number} came at another place, too")
        self.whole.seen.add(number)
        self.last, self.count = number, self.count + 1


def mark_in_line(line):
    """(source, number, mark) of a recorder's line; the hub's sequences begin with 1."""
    source, sequence, size, crc = line.split()
    return source.decode(), int(sequence) - 1, int(size) << 32 | int(crc, 16)
