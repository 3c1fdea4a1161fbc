#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the end-to-end and interop tests against a built hub.

    python3 tests/e2e/run.py --bin build/release/bin/standpipe
    python3 tests/e2e/run.py --bin build/asan/bin/standpipe --only 'stop|readers'

Each test is a process of its own with a folder of its own (whose name has a space), a time limit, and no survivors.
STANDPIPE_TEST_SLOW=5 stretches all times, for a hub that is slow because it is watched.
"""

import argparse
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from kit import process
from kit.registry import HERE, all_tests
from kit.timing import SLOW


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


class Runner:
    def __init__(self, options):
        self.options = options
        self.counts = {"PASS": 0, "FAIL": 0, "SKIP": 0}
        self._groups = set()
        self._lock = threading.Lock()
        self._stopped = False
        self.environment = {
            **os.environ,
            "STANDPIPE_TEST_BIN": str(options.bin.resolve()),
            "STANDPIPE_TEST_SCALE": options.scale,
            "STANDPIPE_TEST_WRAP": options.wrap,
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def run(self, tests):
        tests = sorted(tests, key=lambda t: -t.seconds)  # the longest first, as far as limits tell: no job waits for one at the end
        pool = ThreadPoolExecutor(max(1, self.options.jobs))
        try:
            list(pool.map(self.run_one, [t for t in tests if not t.alone]))
        except BaseException:
            self.stop()
            raise
        finally:
            pool.shutdown()
        for test in tests:
            if test.alone:
                self.run_one(test)

    def run_one(self, test):
        if self._stopped:
            return
        folder = tempfile.mkdtemp(prefix="standpipe e2e ")
        began = time.monotonic()
        verdict, output = self.judge(test, folder)
        if self._stopped:
            return shutil.rmtree(folder, ignore_errors=True)
        with self._lock:
            self.counts[verdict] += 1
            print(f"{verdict} {test.name} {time.monotonic() - began:.2f} s", flush=True)
            if verdict != "PASS":
                print("".join(f"    {line}\n" for line in output.splitlines()), end="", flush=True)
            if verdict == "FAIL" and self.options.keep:
                print(f"    its folder: {folder}")
                return
        shutil.rmtree(folder, ignore_errors=True)

    def judge(self, test, folder):
        limit = test.seconds * SLOW
        with tempfile.TemporaryFile() as output:
            child = process.spawn(
                [sys.executable, HERE / "one.py", test.name, folder],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=self.environment, start_new_session=True,
            )  # fmt: skip
            self._groups.add(child.pid)
            try:
                status = child.wait(limit)
            except subprocess.TimeoutExpired:
                status = None
            # What a test leaves behind by mistake ends with it.
            kill_group(child.pid)
            child.wait()
            self._groups.discard(child.pid)
            output.seek(0)
            text = output.read().decode(errors="replace")
        if status is None:
            return "FAIL", text + f"time limit of {limit:g} s\n" + said_in(folder)
        return {0: "PASS", 77: "SKIP"}.get(status, "FAIL"), text

    def stop(self):
        self._stopped = True
        for group in list(self._groups):
            kill_group(group)


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
