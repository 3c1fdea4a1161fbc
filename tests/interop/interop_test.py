# SPDX-License-Identifier: Apache-2.0
"""The two-program pattern that this grows from: its writer into our source, our forward into its reader."""

import pathlib
import subprocess
import sys
import zlib

from kit import equal, process, test, until
from writer import content

HERE = pathlib.Path(__file__).resolve().parent
SIZES = [0, 1, 4091, 4092, 4093, 65536, 100_000, 0] + [7 + i % 40 for i in range(2000)]
MESSAGES = [content(number, size) for number, size in enumerate(SIZES)]
BETWEEN = """
sources: {in: {fifo: in}}
handlers:
  out: {plugin: log, options: {path: out, format: frames}}
  next: {plugin: forward, options: {fifo: next}}
routes: [{from: in, to: %s}]
"""


def their_writer(t, fifo):
    return process.spawn([sys.executable, HERE / "writer.py", t.path(fifo), *SIZES])


def their_reader(t, fifo):
    reader = process.spawn([sys.executable, HERE / "reader.py", t.path(fifo), len(SIZES)], stdout=subprocess.PIPE)
    until(lambda: t.path(fifo).exists(), "the reader has made its FIFO")
    return reader


def assert_read(reader):
    said, _ = reader.communicate(timeout=60)
    equal(reader.returncode, 0)
    equal(said.decode().splitlines(), [f"{len(m)} {zlib.crc32(m)}" for m in MESSAGES])


@test
def their_writer_feeds_our_source(t):
    hub = t.start(BETWEEN % "out")
    equal(their_writer(t, "in").wait(), 0)
    hub.stop().all_delivered(len(SIZES))
    equal(t.frames("out"), MESSAGES)


@test
def our_forward_feeds_their_reader(t):
    reader = their_reader(t, "next")
    hub = t.start(BETWEEN % "next")
    hub.send("in", MESSAGES)
    assert_read(reader)
    hub.stop().all_delivered(len(SIZES))


@test
def their_writer_reaches_their_reader_through_us(t):
    reader = their_reader(t, "next")
    hub = t.start(BETWEEN % "[next, out]")
    equal(their_writer(t, "in").wait(), 0)
    assert_read(reader)
    hub.stop().all_delivered(len(SIZES))
    equal(t.frames("out"), MESSAGES)


@test
def their_writers_come_one_after_the_other(t):
    hub = t.start(BETWEEN % "out")
    for _ in range(3):
        equal(their_writer(t, "in").wait(), 0)
    hub.stop().all_delivered(3 * len(SIZES))
    equal(t.frames("out"), MESSAGES * 3)
