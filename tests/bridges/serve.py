#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Starts the servers that the tests of bridges need, runs a command, and ends them all, whatever happened.

    python3 tests/bridges/serve.py -- python3 tests/e2e/run.py --bin build/test/bin/standpipe
    python3 tests/bridges/serve.py --only rabbitmq -- sh

What cannot be started here is told and left out; the tests that need it are skipped and counted. The exit status is the
command's.
"""

import argparse
import contextlib
import ctypes
import importlib
import inspect
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from servers import Server  # noqa: E402

_PR_SET_CHILD_SUBREAPER = 36


def kinds():
    """A class for each module of servers/."""
    found = {}
    for path in sorted((HERE / "servers").glob("*.py")):
        if path.stem == "__init__":
            continue
        module = importlib.import_module(f"servers.{path.stem}")
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if issubclass(kind, Server) and kind is not Server and kind.__module__ == module.__name__ and kind.name:
                found[kind.name] = kind
    return found


class Servers:
    def __init__(self, place, only):
        self.place = place
        self.running = []
        self.environment = {}
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._start, args=(kind,)) for name, kind in kinds().items() if not only or name in only]

    def start(self):
        for thread in self._threads:
            thread.start()
        for thread in self._threads:
            thread.join()

    def _start(self, kind):
        server = kind(self.place / kind.name)
        began = time.monotonic()
        why = server.missing()
        if not why:
            try:
                server.start()
            except (AssertionError, OSError) as error:
                why = f"{kind.name} could not be started: {error}"
        with self._lock:
            self.running.append(server)
            if why:
                self.environment[f"STANDPIPE_TEST_NO_{kind.name.upper()}"] = why
                print(f"SKIP server {kind.name}: {why}", flush=True)
            else:
                self.environment[f"STANDPIPE_TEST_{kind.name.upper()}"] = server.address()
                print(f"server {kind.name}: ready in {time.monotonic() - began:.1f} s at {server.address()}", flush=True)

    def stop(self):
        for server in self.running:
            with contextlib.suppress(Exception):
                server.stop()


def descendants():
    """All processes below this one; those whose parent ended are its children, since it is their subreaper."""
    parents = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parents[int(entry.name)] = int(pathlib.Path(entry.path, "stat").read_text().rpartition(")")[2].split()[1])
    below = {os.getpid()}
    for _ in range(20):
        below |= {pid for pid, parent in parents.items() if parent in below}
    return below - {os.getpid()}


def end_all():
    for _ in range(100):
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        left = descendants()
        if not left:
            break
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def main():
    p = argparse.ArgumentParser(description="Starts servers, runs a command, and ends them all.")
    p.add_argument("--only", default="", help="names of servers, with commas between them")
    p.add_argument("command", nargs=argparse.REMAINDER)
    options = p.parse_args()
    command = [word for i, word in enumerate(options.command) if i or word != "--"]
    if not command:
        p.error("there is no command")
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    place = pathlib.Path(tempfile.mkdtemp(prefix="standpipe-servers-"))
    servers = Servers(place, [name for name in options.only.split(",") if name])
    status = 1
    try:
        servers.start()
        environment = {**os.environ, "STANDPIPE_TEST_FOLDERS": str(HERE), **servers.environment}
        child = subprocess.Popen(command, env=environment)
        status = child.wait()
    except KeyboardInterrupt:
        status = 130
    finally:
        servers.stop()
        end_all()
        shutil.rmtree(place, ignore_errors=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
