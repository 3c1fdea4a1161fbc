# SPDX-License-Identifier: Apache-2.0
"""How a long test of one bench ends: with what it found, or with what is wrong and where to look."""

import os
import shutil
import subprocess
import sys
import time

from judge import Wrong


def judged(bench, test, where=lambda: ""):
    """`test` does it all and returns what to say of it; `where`: what it was at, if it fails. Returns the number of failures."""
    began, failed = time.monotonic(), 1
    try:
        print(test())
        failed = 0
    except (Wrong, AssertionError, OSError, ValueError, subprocess.TimeoutExpired) as e:
        print(f"FAIL {where()}: {e or repr(e)}\n{bench.report()}its folder: {bench.folder}")
    finally:
        bench.kill_all()
    if not failed:
        shutil.rmtree(bench.folder)
    print(f"in {time.monotonic() - began:.0f} s\n{1 - failed} passed, {failed} failed")
    return failed


def leave(status):
    """Threads that hang in a FIFO must not keep a failed run."""
    sys.stdout.flush()
    os._exit(status)
