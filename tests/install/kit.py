# SPDX-License-Identifier: Apache-2.0
"""What the tests of an installation share: commands that must succeed, files that must be there, hubs."""

import os
import pathlib
import shutil
import signal
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
SLOW = float(os.environ.get("STANDPIPE_TEST_SLOW", "1"))


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


def run(*command, status=0, **options):
    """Runs a command and gives what it said; Failed when it ends otherwise than wanted."""
    command = [str(word) for word in command]
    options.setdefault("timeout", 600)
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", **options)
    if status is not None and done.returncode != status:
        raise Failed(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout + done.stderr


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skipped(f"there is no {program}")


def check(condition, what):
    if not condition:
        raise Failed(what)


def until(condition, what, seconds=20):
    end = time.monotonic() + seconds * SLOW
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"not within {seconds * SLOW:g} s: {what}")
        time.sleep(0.02)


def plain_environment():
    """Without what would lead an installed program to other plugins or folders."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "STANDPIPE_"))}


class Hub:
    """A hub that is ready; `command` is the whole command line, `said` what its standard error holds."""

    def __init__(self, command, log, **options):
        self.log = log
        with open(log, "ab") as file:
            self.process = subprocess.Popen(
                [str(w) for w in command], stdin=subprocess.DEVNULL, stdout=file, stderr=file, **options
            )
        until(lambda: "ready" in self.said() or self.process.poll() is not None, f"ready; it said:\n{self.said()}")
        check(self.process.poll() is None, f"the hub ended:\n{self.said()}")

    def said(self):
        return pathlib.Path(self.log).read_text(errors="replace")

    def worker(self, of=None):
        keeper = of or self.process.pid
        children = pathlib.Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()
        return int(children[0]) if children else None

    def kill_the_worker_of(self, keeper):
        """And waits for the next one."""
        worker = self.worker(keeper)
        os.kill(worker, signal.SIGKILL)
        until(lambda: self.worker(keeper) not in (None, worker), "the next worker")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(30 * SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failed(f"it does not stop:\n{self.said()}") from None
        check(status == 0, f"it ended with {status}:\n{self.said()}")


class World:
    """A build, a folder for the tests, and what the first tests of a module made for the later ones."""

    def __init__(self, build, folder):
        self.build = build
        self.folder = folder
        self.made = {}
        self.hubs = []
        self.mounts = []

    def given(self, name):
        if name not in self.made:
            raise Skipped(f"an earlier test did not make: {name}")
        return self.made[name]

    def hub(self, *command, **options):
        hub = Hub(command, self.folder / f"hub-{len(self.hubs)}.log", **options)
        self.hubs.append(hub)
        return hub

    def end(self):
        """Before the folder is removed: nothing runs in it, and nothing is mounted there."""
        for hub in self.hubs:
            if hub.process.poll() is None:
                hub.process.kill()
                hub.process.wait()
        for mount in self.mounts:
            subprocess.run(["umount", "--recursive", "--lazy", mount], capture_output=True)
