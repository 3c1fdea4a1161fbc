#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the end-to-end and interop tests against a built hub.

    python3 tests/e2e/run.py --bin build/release/bin/standpipe
    python3 tests/e2e/run.py --bin build/asan/bin/standpipe --only 'stop|readers'

Each test is a process of its own with a folder of its own (whose name has a space), a time limit, and no survivors.
STANDPIPE_TEST_SLOW=5 stretches all times, for a hub that is slow because it is watched.
"""

import argparse
import ctypes
import os
import pathlib
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass

import one
from kit.registry import all_tests
from kit.timing import SLOW

_PR_SET_PDEATHSIG = 1


def arguments():
    p = argparse.ArgumentParser(description="Runs the end-to-end and interop tests against a built hub.")
    p.add_argument("--bin", required=True, type=pathlib.Path, help="the standpipe program, in its build folder")
    p.add_argument("--scale", choices=["small", "full"], default="small", help="full: ten million messages, 200 MiB frames")
    p.add_argument("--only", default="", help="a regular expression; tests whose name has it")
    p.add_argument("--jobs", type=int, default=2, help="tests at a time")
    p.add_argument("--wrap", default="", help="what stands before the hub's command, e.g. 'valgrind -q --error-exitcode=99'")
    p.add_argument("--keep", action="store_true", help="leave the folders of failed tests after")
    p.add_argument("--list", action="store_true", help="name the tests and end")
    return p.parse_args()


@dataclass
class Running:
    test: object
    folder: str
    output: object
    began: float


class Runner:
    """One thread, which forks a child for each test: all of them are loaded once, and not once for each test."""

    def __init__(self, options):
        self.options = options
        self.counts = {"PASS": 0, "FAIL": 0, "SKIP": 0}
        self._running = {}  # by the child's process

    def run(self, tests):
        tests = sorted(tests, key=lambda t: -t.seconds)  # the longest first, as far as limits tell: no job waits for one at the end
        self._run_all([t for t in tests if not t.alone], max(1, self.options.jobs))
        self._run_all([t for t in tests if t.alone], 1)

    def _run_all(self, tests, jobs):
        waiting = list(reversed(tests))
        while waiting or self._running:
            while waiting and len(self._running) < jobs:
                self._begin(waiting.pop())
            for child in list(self._running):
                self._look_at(child)
            time.sleep(0.005)

    def _begin(self, test):
        folder = tempfile.mkdtemp(prefix="standpipe e2e ")
        output = tempfile.TemporaryFile()
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            become_test(test, folder, output.fileno())
        self._running[child] = Running(test, folder, output, time.monotonic())

    def _look_at(self, child):
        running = self._running[child]
        limit = running.test.seconds * SLOW
        ended = os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if not ended and time.monotonic() - running.began < limit:
            return
        # What a test leaves behind by mistake ends with it, before its number can be another's.
        kill_group(child)
        _, status, used = os.wait4(child, 0)  # by the test, its hubs and all else that it waited for
        del self._running[child]
        running.output.seek(0)
        text = running.output.read().decode(errors="replace")
        running.output.close()
        verdict = {0: "PASS", 77: "SKIP"}.get(os.waitstatus_to_exitcode(status), "FAIL")
        if not ended:
            verdict = "FAIL"
            text += f"time limit of {limit:g} s\n" + said_in(running.folder)
        self._report(running, verdict, text, used.ru_utime + used.ru_stime)

    def _report(self, running, verdict, text, processor_seconds):
        self.counts[verdict] += 1
        took = time.monotonic() - running.began
        print(f"{verdict} {running.test.name} {took:.2f} s ({processor_seconds:.2f} s of a processor)", flush=True)
        if verdict != "PASS":
            print("".join(f"    {line}\n" for line in text.splitlines()), end="", flush=True)
        if verdict == "FAIL" and self.options.keep:
            print(f"    its folder: {running.folder}")
            return
        shutil.rmtree(running.folder, ignore_errors=True)

    def stop(self):
        for child, running in self._running.items():
            kill_group(child)
            shutil.rmtree(running.folder, ignore_errors=True)


def become_test(test, folder, output):
    """In the child: a process, and a group, of its own."""
    status = 1
    try:
        os.setsid()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        null = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((null, 0), (output, 1), (output, 2)):
            os.dup2(source, target)
        os.closerange(3, 1024)  # what other tests write
        random.seed()
        status = one.run(test, folder)
        sys.stdout.flush()
    finally:
        os._exit(status)  # threads that hang in a FIFO must not keep a failed test


def kill_group(group):
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass


def said_in(folder):
    """The hubs' last words, when the test itself cannot tell them."""
    text = ""
    for path in sorted(pathlib.Path(folder).glob("*.stderr")):
        lines = path.read_text(errors="replace").splitlines()[-30:]
        text += f"---- {path.stem} said\n" + "".join(line[:400] + "\n" for line in lines)
    return text


def main():
    options = arguments()
    os.environ |= {
        "STANDPIPE_TEST_BIN": str(options.bin.resolve()),
        "STANDPIPE_TEST_SCALE": options.scale,
        "STANDPIPE_TEST_WRAP": options.wrap,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    tests = [t for t in all_tests() if re.search(options.only, t.name)]
    if options.list:
        print("\n".join(t.name for t in tests))
        return 0
    if not os.access(options.bin, os.X_OK):
        print(f"error: {options.bin} is no program\n  help: build it first, e.g. cmake --build --preset release", file=sys.stderr)
        return 2
    if not tests:
        print(f"error: no test is called like '{options.only}'\n  help: see --list", file=sys.stderr)
        return 2
    runner = Runner(options)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        runner.run(tests)
    except KeyboardInterrupt:
        runner.stop()
        print("interrupted", file=sys.stderr)
        return 130
    if runner.counts["SKIP"]:
        print(f"{runner.counts['SKIP']} skipped")
    print(f"{runner.counts['PASS']} passed, {runner.counts['FAIL']} failed")
    return 1 if runner.counts["FAIL"] else 0


if __name__ == "__main__":
    sys.exit(main())
