# SPDX-License-Identifier: Apache-2.0
"""Real servers for the tests of bridges: on loopback, on free ports, with private data, ended with whoever started them.

A module here is a kind of server, with a class of it:

    class Thing(Server):
        name = "thing"                     # as in `serve.py --only`, and STANDPIPE_TEST_THING
        def missing(self): ...             # why it cannot be started on this machine, or None
        def prepare(self): ...             # writes its configuration into self.folder
        def command(self): ...             # a list
        def is_ready(self): ...            # does it answer?
        def address(self): ...             # for clients; the same after a restart

serve.py starts one of each for all tests; a test that kills a server, or needs one set up differently, starts one of its own.
"""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import time

SLOW = float(os.environ.get("STANDPIPE_TEST_SLOW", "1"))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


class Server:
    name = ""
    seconds = 60  # until it must be ready

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Also again, with the same data and address."""
        why = self.missing()
        assert not why, why
        if not self.folder.exists():
            self.folder.mkdir(parents=True)
            self.prepare()
        with open(self.folder / "output", "ab") as output:
            self.process = subprocess.Popen(
                [str(word) for word in self.command()],
                cwd=self.folder, env=self.environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + self.seconds * SLOW
        while not self.is_ready():
            assert self.process.poll() is None, f"{self.name} ended with status {self.process.returncode}: {self.said()}"
            assert time.monotonic() < deadline, f"{self.name} is not ready: {self.said()}"
            time.sleep(0.05)
        return self

    def kill(self):
        """As a crash does it, with all of its processes."""
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10 * SLOW)
        self.kill()

    def said(self):
        return (self.folder / "output").read_text(errors="replace")[-2000:]

    # ---- what a kind of server says of itself

    def missing(self):
        return None

    def prepare(self):
        pass

    def environment(self):
        return None


def shared(kind):
    """The address of the server that serve.py started for all tests; skips the test where there is none."""
    from kit.bench import Skip

    variable = f"STANDPIPE_TEST_{kind.upper()}"
    if variable in os.environ:
        return os.environ[variable]
    raise Skip(os.environ.get(f"STANDPIPE_TEST_NO_{kind.upper()}", f"no {kind} was started: run this by tests/bridges/serve.py"))
