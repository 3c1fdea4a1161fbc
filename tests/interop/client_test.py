# SPDX-License-Identifier: Apache-2.0
"""The client library in C, against a hub and against the programs that know nothing of it."""

import subprocess

from interop_test import BETWEEN, HERE, MESSAGES, SIZES, assert_read, their_reader, their_writer
from kit import equal, process, test, until
from kit.compiler import compile_c

INCLUDE = HERE.parents[1] / "sdk" / "include"


def client(t, *words, **options):
    program = t.path("client")
    if not program.exists():
        compile_c(HERE / "client.c", program, "-std=c11", "-Wpedantic", f"-I{INCLUDE}")
    return process.spawn([program, *map(str, words)], **options)


def receiving(t, fifo):
    reader = client(t, "receive", t.path(fifo), len(SIZES), stdout=subprocess.PIPE)
    until(lambda: t.path(fifo).exists(), "the receiver has made its FIFO")
    return reader


@test
def a_client_sends_through_a_hub_to_a_client(t):
    reader = receiving(t, "next")
    sender = client(t, "send", t.path("in"), *SIZES)  # before there is a hub: it waits for one
    hub = t.start(BETWEEN % "[next, out]")
    equal(sender.wait(timeout=60), 0)
    assert_read(reader)
    hub.stop().all_delivered(len(SIZES))
    equal(t.frames("out"), MESSAGES)


@test
def a_client_and_the_plain_programs_understand_each_other(t):
    reader = receiving(t, "a")
    equal(their_writer(t, "a").wait(timeout=60), 0)
    assert_read(reader)
    reader = their_reader(t, "b")
    equal(client(t, "send", t.path("b"), *SIZES).wait(timeout=60), 0)
    assert_read(reader)
