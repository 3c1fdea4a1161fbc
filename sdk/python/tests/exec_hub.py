# SPDX-License-Identifier: Apache-2.0
"""The hub's side of exec, for tests of programs: a process, and what one writes to it and reads from it."""

import os
import pathlib
import subprocess
import sys
import textwrap

from standpipe import frames

PACKAGE = pathlib.Path(__file__).resolve().parent.parent / "src"


class Program:
    """A Python program with the package, under the protocol."""

    def __init__(self, body, kind="handler", **more):
        environment = os.environ | {"PYTHONPATH": str(PACKAGE), "STANDPIPE_EXEC": "1", "STANDPIPE_EXEC_KIND": kind}
        environment |= {"STANDPIPE_EXEC_ANSWERS": "outcomes", "STANDPIPE_EXEC_METADATA": "0"} | more
        self.process = subprocess.Popen(
            [sys.executable, "-c", "import os, sys, time, standpipe\n" + textwrap.dedent(body)],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def write(self, *data):
        self.process.stdin.write(b"".join(data))
        self.process.stdin.flush()

    def line(self):
        return self.process.stdout.readline()

    def end(self):
        """Closes its standard input. Returns the rest of its output, what it said, and its status."""
        out, err = self.process.communicate(timeout=60)
        return out, err.decode(), self.process.returncode


def answers_to(body, *payloads, **more):
    """All that a handler answers, after the greeting."""
    program = Program(body, **more)
    program.write(*map(frames.pack, payloads))
    out, err, status = program.end()
    assert status == 0, err
    greeting, _, rest = out.partition(b"\n")
    assert greeting == b"standpipe 1", out
    return rest, err
