# SPDX-License-Identifier: Apache-2.0
"""Floods of small writes are polled; nobody can tell but by the processor's time."""

import contextlib
import os

from kit import frame, process, stream, test, until
from kit.bench import Skip
from kit.flood import Flood
from kit.hub import process_folder
from journey_test import LOG

THROUGH = """
sources: {in: {fifo: in}}
handlers: {out: {plugin: forward, options: {fifo: next}}}
routes: [{from: in, to: out}]
"""
SIZE = 128
COUNT = 100_000 if process.is_instrumented() else 5_000_000


def is_watched(hub, fifo):
    """Whether the worker's epoll knows the FIFO."""
    worker = process_folder(hub.pids()[1])
    fds = [fd.name for fd in (worker / "fd").iterdir() if os.path.realpath(fd) == os.path.realpath(fifo)]
    told = ""
    for info in (worker / "fdinfo").iterdir():
        with contextlib.suppress(FileNotFoundError):  # it was closed meanwhile
            told += info.read_text()
    return any(line.split()[1] in fds for line in told.splitlines() if line.startswith("tfd:"))


def flood_until_polled(t, hub, flood):
    """It is only a flood where the writer has a processor nearly to itself: when to poll is a unit test's to say."""
    writer = flood.writer(t.path("in"), 0, COUNT, SIZE, each=True)
    if not process.is_instrumented():
        is_polled = until(lambda: not is_watched(hub, t.path("in")) or (writer.poll() is not None and "too slow"), "it is polled", 120)
        if is_polled == "too slow":
            raise Skip("this machine is too busy for a flood of small writes")
    return writer


@test(seconds=300, alone=True)
def a_flood_of_small_writes_is_polled_until_it_ends(t):
    flood = Flood(t.folder)
    os.mkfifo(t.path("next"), 0o600)
    hub = t.start(THROUGH)
    checker = flood.checker(t.path("next"), 1, COUNT, SIZE)
    flood.finish(flood_until_polled(t, hub, flood), checker)
    until(lambda: is_watched(hub, t.path("in")), "epoll tells again")
    assert process.is_instrumented() or until(lambda: hub.sleeps_for(0.2), "the hub sleeps", 10)
    hub.stop().all_delivered(COUNT)


@test(seconds=300, alone=True)
def a_writer_that_dies_inside_a_frame_during_a_flood_is_seen(t):
    flood = Flood(t.folder)
    hub = t.start(LOG)
    flood.finish(flood_until_polled(t, hub, flood))
    truncated = t.writer("in")
    truncated.write(stream([b"whole"]) + frame(b"y" * 100)[:24])
    truncated.close()
    hub.says("truncated: its writer left after 24 bytes of 104")
    hub.send("in", [b"next"])
    account = hub.stop().says("in", accepted=COUNT + 2, truncated=1, discarded_bytes=24)
    account.says("in -> out", delivered=COUNT + 2)
    t.path("out").unlink()
