# SPDX-License-Identifier: Apache-2.0
"""`standpipe demo` shows everything at work, and leaves its reader with three commands that do what they say."""

import os
import shlex
import signal
import subprocess

from kit import equal, process, test, until


def demo(t):
    """What it printed, and the commands at its end."""
    out, _ = t.run("demo", env=process.environment(t.folder) | {"TMPDIR": str(t.folder)})
    text = out.decode()
    return text, [line.strip() for line in text.rpartition("Now you")[2].splitlines()[1:]]


def in_a_shell(t, command):
    """As a person would who copies it: from any folder. The shell becomes the command, so that signals reach it."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return process.spawn(["sh", "-c", "exec " + command], cwd="/", env=process.environment(t.folder), **streams)


@test
def demo_shows_each_step_and_ends(t):
    text, commands = demo(t)
    for expected in ("ready in", "sent 3 messages", "order 1: a kettle", "urgent order 2: a fire hose", "account closes: "):
        assert expected in text, f"'{expected}' is not in\n{text}"
    equal([shlex.split(c)[1] for c in commands], ["run", "send", "recv"], text)


@test
def the_three_commands_of_demo_work_as_printed(t):
    _, (run, send, recv) = demo(t)
    hub = in_a_shell(t, run)
    fifo = next(t.folder.glob("standpipe-demo-*")) / "orders"
    until(lambda: can_be_written_to(fifo), "the hub serves")
    assert b"sent 1 message" in in_a_shell(t, send).communicate(timeout=20)[0]
    receiving = in_a_shell(t, recv)
    equal(receiving.stdout.readline(), b"urgent order 4: a bucket\n")
    for child in (receiving, hub):
        child.send_signal(signal.SIGINT)
        said, _ = child.communicate(timeout=20)
        equal(child.returncode, 0, said.decode())
    assert b"account closes: 2 = delivered 2 + " in said or b"account closes: 3 = delivered 3 + " in said, said.decode()


def can_be_written_to(fifo):
    try:
        os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
        return True
    except OSError:
        return False
