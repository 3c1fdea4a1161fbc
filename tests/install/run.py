#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Installs a build and uses what is there: from a prefix of a user's, and as packages in a bare Debian 12.

    python3 tests/install/run.py --build build/test
    python3 tests/install/run.py --build build/test --only 'moved'

A test is a function of a module here, in the order in which it stands; those of one module share what
the first ones made. What this machine cannot do (no root, no network, no lintian) is skipped and counted.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

import chroot_tests
import packages_tests
import prefix_tests
from kit import Failed, Skipped, World

MODULES = [prefix_tests, packages_tests, chroot_tests]


def inside_its_own_namespaces():
    """Mounts and processes of the tests end with them, whatever happens; needs root."""
    if os.geteuid() != 0 or os.environ.get("STANDPIPE_TEST_APART"):
        return
    apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if not shutil.which("unshare") or subprocess.run([*apart, "true"], capture_output=True).returncode:
        return
    os.environ["STANDPIPE_TEST_APART"] = "1"
    os.execvp(apart[0], [*apart, sys.executable, *sys.argv])


def tests_of(module):
    return [f for name, f in vars(module).items() if name.startswith("test_") and callable(f)]


def run_one(test, world):
    try:
        test(world)
        return "PASS", ""
    except Skipped as why:
        return "SKIP", str(why)
    except Failed as why:
        return "FAIL", str(why)
    except Exception:
        return "FAIL", traceback.format_exc()


def main():
    p = argparse.ArgumentParser(description="Installs a build and uses what is there.")
    p.add_argument("--build", required=True, type=pathlib.Path, help="a build of all targets")
    p.add_argument("--only", default="", help="a regular expression; tests whose name has it")
    options = p.parse_args()
    inside_its_own_namespaces()
    counts = {"PASS": 0, "FAIL": 0, "SKIP": 0}
    with tempfile.TemporaryDirectory(prefix="standpipe-install-", ignore_cleanup_errors=True) as folder:
        world = World(options.build.resolve(), pathlib.Path(folder))
        for module in MODULES:
            for test in tests_of(module):
                name = f"{module.__name__.removesuffix('_tests')}: {test.__name__[5:].replace('_', ' ')}"
                if not re.search(options.only, name):
                    continue
                began = time.monotonic()
                verdict, said = run_one(test, world)
                counts[verdict] += 1
                print(f"{verdict} {name} {time.monotonic() - began:.1f} s", flush=True)
                if said:
                    print("".join(f"    {line}\n" for line in said.splitlines()), end="", flush=True)
        world.end()
    if counts["SKIP"]:
        print(f"{counts['SKIP']} skipped")
    print(f"{counts['PASS']} passed, {counts['FAIL']} failed")
    return 1 if counts["FAIL"] else 0


if __name__ == "__main__":
    sys.exit(main())
