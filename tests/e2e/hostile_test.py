# SPDX-License-Identifier: Apache-2.0
"""Writers that mean harm: they change what they have written, write in packets, stand still inside a frame, claim 4 GiB. The source
beside theirs notices nothing, and the account closes."""

import contextlib
import ctypes
import mmap
import os
import random
import signal
import struct
import threading

from kit import bytes_waiting, equal, frame, frames_in, process, stream, test, until

BESIDE = """
sources:
  bad: {fifo: bad, framing: {max_message_size: 1MiB}}
  good: {fifo: good}
handlers:
  bad_log: {plugin: log, options: {path: bad.out, format: frames}}
  good_log: {plugin: log, options: {path: good.out, format: frames}}
routes: [{from: bad, to: bad_log}, {from: good, to: good_log}]
"""
GOOD = [b"good %d " % i + b"." * (i * 37 % 3000) for i in range(2000)]
_libc = ctypes.CDLL(None, use_errno=True)


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class PagesOfItsOwn:
    """A writer whose bytes are in the pipe and can still be changed: vmsplice."""

    def __init__(self, t, fifo, size):
        self.fd = os.open(t.path(fifo), os.O_WRONLY)
        self.bytes = mmap.mmap(-1, size)

    def give(self, data):
        """The pipe holds these pages, not a copy of them. Returns how many bytes it took."""
        self.bytes[: len(data)] = data
        return self.give_again(len(data))

    def give_again(self, size):
        address = ctypes.addressof(ctypes.c_char.from_buffer(self.bytes))
        moved = _libc.vmsplice(self.fd, ctypes.byref(Iovec(address, size)), 1, 0)
        assert moved > 0, os.strerror(ctypes.get_errno())
        return moved

    def leave(self):
        os.close(self.fd)


def good_one_is_not_hurt(t, hub):
    """A whole life of an honest writer beside it."""
    hub.send("good", GOOD)
    t.until_logged("good.out", GOOD)
    equal(t.frames("good.out"), GOOD)


def stop(hub, **bad):
    account = hub.stop().says("good", accepted=len(GOOD)).says("good -> good_log", delivered=len(GOOD))
    account.says("bad", **bad).says("bad -> bad_log", delivered=bad["accepted"])


@contextlib.contextmanager
def asleep(hub):
    """The worker, so that what is written meanwhile lies in the pipe."""
    worker = hub.pids()[-1]
    os.kill(worker, signal.SIGSTOP)
    yield
    os.kill(worker, signal.SIGCONT)


# ---- bytes that change after the write


@test
def bytes_changed_behind_a_vmsplice_are_taken_as_they_are_then(t):
    hub = t.start(BESIDE)
    writer = PagesOfItsOwn(t, "bad", 4096)
    with asleep(hub):
        equal(writer.give(stream([b"before"] * 100)), 1000)
        writer.bytes[:1000] = stream([b"behind"] * 100)
        equal(bytes_waiting(writer.fd), 1000)
    t.until_logged("bad.out", [b"behind"] * 100)
    good_one_is_not_hurt(t, hub)
    stop(hub, accepted=100)
    equal(t.frames("bad.out"), [b"behind"] * 100)


@test
def bytes_changed_when_the_hub_has_them_change_for_no_reader(t):
    hub = t.start("""
sources: {bad: {fifo: bad}}
handlers: {next: {plugin: forward, options: {fifo: next}}}
routes: [{from: bad, to: next}]
""")
    writer = PagesOfItsOwn(t, "bad", 4096)
    writer.give(stream([b"before"] * 100))
    until(lambda: bytes_waiting(writer.fd) == 0, "they have left the FIFO")
    hub.until_asleep()  # and are copied: between the two they are the writer's still
    writer.bytes[:1000] = stream([b"behind"] * 100)
    reader = t.reader("next")
    until(lambda: bytes_waiting(reader.fd) == 1000, "they are in the reader's pipe")
    writer.bytes[:1000] = b"\xff" * 1000
    equal(reader.take(100), [b"before"] * 100)
    hub.stop().all_delivered(100)


@test
def lengths_changed_behind_a_vmsplice_are_refused(t):
    hub = t.start(BESIDE)
    writer = PagesOfItsOwn(t, "bad", 4096)
    with asleep(hub):
        writer.give(stream([b"before"] * 100))
        writer.bytes[500:504] = b"\xff" * 4
    hub.says(r"a frame claims 4,294,967,295 bytes")
    good_one_is_not_hurt(t, hub)
    writer.leave()
    hub.says("500 bytes discarded")
    stop(hub, accepted=50, bad_frame=1, discarded_bytes=500)


@test(seconds=120)
def bytes_that_never_stand_still_are_whole_frames_or_refused(t):
    """Lengths jump while the hub reads them: whatever it takes for a frame, it stays with that."""
    hub = t.start(BESIDE)
    given = sum(write_what_never_stands_still(t, hub, visit) for visit in range(20))
    good_one_is_not_hurt(t, hub)
    account = hub.stop().says("good", accepted=len(GOOD)).says("good -> good_log", delivered=len(GOOD))
    bad, payloads = account.of("bad"), frames_in(t.path("bad.out").read_bytes())
    assert len(set(map(len, payloads))) > 1 and bad["bad_frame"], "nothing changed in time: this has tested nothing"
    equal(len(payloads), bad["accepted"])
    equal(len(stream(payloads)) + bad["discarded_bytes"], given)
    equal(account.of("bad -> bad_log")["delivered"], bad["accepted"])


LENGTHS = [60, 124, 188, 70_000] * 20 + [0xFFFFFFFF]


def write_what_never_stands_still(t, hub, seed):
    chance, writer, over = random.Random(seed), PagesOfItsOwn(t, "bad", 1 << 16), threading.Event()

    def change():
        while not over.is_set():
            at = chance.randrange(0, 1 << 16, 64)
            writer.bytes[at : at + 4] = struct.pack("<I", chance.choice(LENGTHS))

    writer.bytes[:] = frame(bytes(60)) * 1024
    changing = t.meanwhile(change)
    given = sum(writer.give_again(1 << 16) for _ in range(10))
    until(lambda: bytes_waiting(writer.fd) == 0, "the hub takes it")
    over.set()
    changing.join()
    writer.leave()
    hub.until_asleep()
    return given


# ---- packets


@test
def packets_of_any_size_are_one_stream(t):
    hub, messages, chance = t.start(BESIDE), [b"%d" % i * (i % 2000) for i in range(300)], random.Random(1)
    writer, data = t.writer("bad", packets=True), stream(messages)
    while data:
        size = chance.choice([1, 3, 4096, 4095, chance.randint(1, 9000)])
        writer.write(data[:size])
        data = data[size:]
    good_one_is_not_hurt(t, hub)
    stop(hub, accepted=300)
    equal(t.frames("bad.out"), messages)


@test
def garbage_in_packets_is_discarded_whole(t):
    hub = t.start(BESIDE)
    writer = t.writer("bad", packets=True)
    writer.write_seen(stream([b"one"]))
    for _ in range(500):
        writer.write(b"\xff" * 5)  # a slot of the pipe each
    good_one_is_not_hurt(t, hub)
    writer.close()
    hub.says("2,500 bytes discarded")
    stop(hub, accepted=1, bad_frame=1, discarded_bytes=2500)


# ---- slow ones, and large ones


@test
def a_frame_that_stands_still_holds_up_nobody_else(t):
    hub = t.start(BESIDE)
    writer, data = t.writer("bad"), frame(b"x" * 900_000)
    for byte in data[:10]:
        writer.write_seen(bytes([byte]))  # one an hour, and nobody waits for the next
    good_one_is_not_hurt(t, hub)
    assert "truncated" not in hub.stderr()
    writer.write(data[10:])
    t.until_logged("bad.out", [b"x" * 900_000])
    stop(hub, accepted=1)


@test
def writers_that_stand_still_inside_frames_do_not_take_the_memory_of_others(t):
    names = [f"bad{i}" for i in range(20)]
    hub = t.start(f"""
memory_max: 4MiB
sources: {{good: {{fifo: good, framing: {{max_message_size: 1MiB}}}},
  {", ".join(f"{n}: {{fifo: {n}, framing: {{max_message_size: 1MiB}}}}" for n in names)}}}
handlers: {{good_log: {{plugin: log, options: {{path: good.out, format: frames}}}}}}
routes: [{{from: [good, {", ".join(names)}], to: good_log}}]
""")
    writers = [t.writer(n) for n in names]
    for writer in writers:
        writer.write_seen(struct.pack("<I", 1_000_000) + b"x")
    good_one_is_not_hurt(t, hub)
    for writer in writers:
        writer.close()
    hub.says("a frame was truncated", count=1)
    account = hub.stop().says("good", accepted=len(GOOD)).says("good -> good_log", delivered=len(GOOD))
    for name in names:
        account.says(name, accepted=0, truncated=1, discarded_bytes=5)


@test
def a_claim_of_4_GiB_costs_no_memory_and_hurts_nobody(t):
    hub = t.start(BESIDE)
    before, writer = hub.status_of("VmRSS"), t.writer("bad")
    writer.write(struct.pack("<I", 0xFFFFFFFF) + bytes(3_000_000))
    hub.says(r"a frame claims 4,294,967,295 bytes")
    good_one_is_not_hurt(t, hub)
    grown = hub.status_of("VmRSS") - before
    assert process.is_instrumented() or grown < 8 << 20, f"{grown:,} bytes more"
    writer.close()
    hub.says("3,000,004 bytes discarded")
    stop(hub, accepted=0, bad_frame=1, discarded_bytes=3_000_004)
