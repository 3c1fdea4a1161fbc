# SPDX-License-Identifier: Apache-2.0
"""The place of one test: its folder, the hubs and threads it started, and the last check that nothing was forgotten."""

import os
import pathlib
import subprocess
import threading

from kit import process
from kit.fifo import Reader, Writer, frames_in, stream
from kit.hub import Hub
from kit.timing import SLOW, equal, until


class Skip(Exception):
    pass


class Bench:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.hubs = []
        self._threads = []
        self._commands = []

    # ---- hubs

    def hub(self, yaml, **options):
        """Not started yet."""
        name = "hub" if not self.hubs else f"hub{len(self.hubs) + 1}"
        self.hubs.append(Hub(self.folder, yaml, name, **options))
        return self.hubs[-1]

    def start(self, yaml, **options):
        return self.hub(yaml, **options).start()

    # ---- what is around them

    def path(self, name):
        return self.folder / name

    def writer(self, fifo, **options):
        return Writer(self.folder / fifo, **options)

    def reader(self, fifo):
        return Reader(self.folder / fifo)

    def frames(self, *files):
        """The payloads in files, one after the other."""
        return [m for f in files for m in frames_in(self.path(f).read_bytes())]

    def frames_so_far(self, file):
        """The same of a file that the hub writes to: those that stand there whole."""
        return frames_in(self.path(file).read_bytes(), incomplete=True)[0]

    def size(self, file):
        return self.path(file).stat().st_size if self.path(file).exists() else 0

    def until_logged(self, file, messages, seconds=20):
        """Until a log with `format: frames` has as many bytes as these messages need."""
        size = len(stream(messages))
        until(lambda: self.size(file) >= size, f"{file} has {size:,} bytes", seconds)

    def meanwhile(self, function, *arguments):
        """In a thread; what goes wrong there fails the test. join() waits for it and returns its result."""
        thread = _Thread(function, arguments)
        self._threads.append(thread)
        return thread

    def standpipe(self, *arguments, **options):
        """A command of the program, running: its standard streams are pipes."""
        return self.standpipe_wrapped([], *arguments, **options)

    def standpipe_wrapped(self, wrapper, *arguments, **options):
        """The same, started by another program."""
        pipes = {s: subprocess.PIPE for s in ("stdin", "stdout", "stderr")}
        settings = {"cwd": self.folder, "env": process.environment(self.folder)} | pipes | options
        command = process.spawn([*wrapper, process.program(), *arguments], **settings)
        self._commands.append(command)
        return command

    def run(self, *arguments, input=b"", status=0, seconds=30, **options):
        """A command of the program, to its end. Returns what it wrote: (standard output, standard error)."""
        command = self.standpipe(*arguments, **options)
        out, err = command.communicate(input, timeout=seconds * SLOW)
        err = (err or b"").decode(errors="replace")
        equal(command.returncode, status, f"exit status of {' '.join(map(str, arguments))[:200]}\n{err}")
        return out, err

    def full_scale(self):
        return os.environ.get("STANDPIPE_TEST_SCALE") == "full"

    def only_uninstrumented(self):
        if process.is_instrumented():
            raise Skip("times and sizes of an instrumented hub say nothing")

    # ---- the end of the test

    def check(self):
        for thread in self._threads:
            thread.join()
        for hub in self.hubs:
            assert hub.process and hub.ended, f"{hub.name} was never stopped"
            left = hub.account.unasserted() if hub.account else []
            assert not left, f"nobody asserted the account of {', '.join(left)}"

    def kill_all(self):
        for child in [h.process for h in self.hubs if h.process] + self._commands:
            if child.poll() is None:
                child.kill()
            child.wait()

    def report(self):
        """What the hubs were and reported, for a failure."""
        text = ""
        for hub in self.hubs:
            lines = hub.stderr().splitlines()
            shown = lines if len(lines) <= 60 else lines[:20] + [f"... {len(lines) - 50} lines ..."] + lines[-30:]
            text += f"---- {hub.name} said\n" + "".join(line[:400] + "\n" for line in shown)
        return text


class _Thread(threading.Thread):
    def __init__(self, function, arguments):
        super().__init__(daemon=True)
        self._function, self._arguments = function, arguments
        self._result = self._error = None
        self.start()

    def run(self):
        try:
            self._result = self._function(*self._arguments)
        except BaseException as e:
            self._error = e

    def join(self, timeout=None):
        super().join(timeout if timeout is not None else 60 * SLOW)
        if self._error:
            error, self._error = self._error, None
            raise error
        assert not self.is_alive(), "what runs meanwhile does not end"
        return self._result
