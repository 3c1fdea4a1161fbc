# SPDX-License-Identifier: Apache-2.0
"""One test, in this process: one.py NAME FOLDER, started by run.py. Exit status 0 passed, 1 failed, 77 skipped."""

import os
import sys
import traceback

from kit.bench import Bench, Skip
from kit.registry import all_tests


def main(name, folder):
    chosen = next(t for t in all_tests() if t.name == name)
    bench = Bench(folder)
    try:
        chosen.run(bench)
        bench.check()
        return 0
    except Skip as why:
        print(why)
        return 77
    except BaseException:
        print(traceback.format_exc(limit=-4).rstrip())
        print(bench.report().rstrip(), flush=True)
        return 1
    finally:
        bench.kill_all()


if __name__ == "__main__":
    status = main(*sys.argv[1:])
    sys.stdout.flush()
    os._exit(status)  # threads that hang in a FIFO must not keep a failed test
