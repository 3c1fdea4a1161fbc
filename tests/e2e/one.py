# SPDX-License-Identifier: Apache-2.0
"""One test, in this process, which run.py made for it."""

import traceback

from kit.bench import Bench, Skip


def run(test, folder):
    """The exit status: 0 passed, 1 failed, 77 skipped."""
    bench = Bench(folder)
    try:
        test.run(bench)
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
