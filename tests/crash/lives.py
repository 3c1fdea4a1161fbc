#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many short lives: writers that are killed inside large frames, readers that are killed while messages pass.

    python3 tests/crash/lives.py --bin build/test/bin/standpipe writers --times 1000
    python3 tests/crash/lives.py --bin build/test/bin/standpipe readers --times 1000
"""

import argparse
import os
import pathlib
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "e2e"))

from actor import account_of  # noqa: E402 (the kit's folder must be known first)
from ending import judged, leave  # noqa: E402
from judge import Wrong  # noqa: E402
from kit import Bench, until  # noqa: E402
from numbered import InOrder, Numbered  # noqa: E402
from reading import DyingReader, LogReader  # noqa: E402
from writing import SteadyWriter, TruncatingWriter  # noqa: E402

WRITERS = """
data_dir: state
sources: {truncated: {fifo: truncated}, beside: {fifo: beside}}
handlers: {log: {plugin: log, options: {path: log.out, format: frames, sync: never, rotate_size: 64MiB, keep: 9}}}
routes: [{from: [truncated, beside], to: log}]
"""
READERS = """
data_dir: state
sources: {in: {fifo: in}}
handlers: {next: {plugin: forward, options: {fifo: next}}}
routes: [{from: in, to: next}]
"""


def writers(bench, times):
    """All frames that were written whole arrive, and each truncated one is counted."""
    hub, whole, beside = bench.start(WRITERS), Numbered("t"), Numbered("b")
    orders = {m.letter.decode(): (m, InOrder(f"log, {m.letter.decode()}", again=0)) for m in (whole, beside)}
    log = LogReader(bench.path("log.out"), orders)
    steady = SteadyWriter(bench.path("beside"), beside, rate=300)
    truncated = TruncatingWriter(bench.path("truncated"), whole, hub, "truncated", times, pause=0)
    until(lambda: log.error or steady.error or not truncated.is_alive(), f"{times} writers die", 10 + times)
    truncated.end()
    steady.end()
    until(lambda: log.error or (orders["t"][1].has_all(truncated.sent) and orders["b"][1].has_all(steady.sent)), "all has come", 60)
    log.end()
    account = hub.stop().says("beside", accepted=steady.sent)
    discarded = account.of("truncated")["discarded_bytes"]
    account.says("truncated", accepted=truncated.sent, truncated=times, discarded_bytes=discarded)
    if not truncated.least <= discarded <= truncated.most:
        raise Wrong(f"{discarded} bytes of truncated frames, between {truncated.least} and {truncated.most} were written")
    account.says("truncated -> log", delivered=truncated.sent).says("beside -> log", delivered=steady.sent)
    return f"{times} writers killed inside a frame, {discarded:,} bytes of them; {truncated.sent:,} whole ones and {steady.sent:,} beside arrived"


def readers(bench, times):
    """Each reader begins with a whole frame; each message arrives whole at one, or is counted as unacknowledged."""
    os.mkfifo(bench.path("next"), 0o600)
    hub, messages = bench.start(READERS), Numbered("m")
    reader = DyingReader(bench.path("next"), messages, hub, "in -> next", life=0.03, times=times)
    began = time.monotonic()
    steady = SteadyWriter(bench.path("in"), messages, rate=1000)
    until(lambda: reader.error or steady.error or reader.stays.is_set(), f"{times} readers die", 10 + times)
    seconds = time.monotonic() - began
    steady.end()
    until(lambda: reader.error or reader.order.next == steady.sent, "all has come", 60)
    until(lambda: reader.error or account_of(hub).of("in -> next")["in_flight"] == 0, "all is delivered", 10)
    reader.end()
    account = hub.stop().says("in", accepted=steady.sent).says("in -> next", delivered=steady.sent)
    counted = account.of("in -> next")["unacknowledged"]
    if reader.order.missing > counted:
        raise Wrong(f"{reader.order.missing} messages arrived nowhere, {counted} are counted as unacknowledged")
    return (
        f"{times} readers killed while {steady.sent:,} messages passed, {steady.sent / seconds:,.0f} a second; "
        f"{reader.order.missing} arrived nowhere, and {counted} are counted as unacknowledged"
    )


def main():
    p = argparse.ArgumentParser(description="Writers killed inside frames, readers killed while messages pass.")
    p.add_argument("--bin", required=True, type=pathlib.Path, help="the standpipe program, in its build folder")
    p.add_argument("--times", type=int, default=1000)
    p.add_argument("who", choices=["writers", "readers"])
    options = p.parse_args()
    os.environ["STANDPIPE_TEST_BIN"] = str(options.bin.resolve())
    bench = Bench(tempfile.mkdtemp(prefix="standpipe crash "))
    test = {"writers": writers, "readers": readers}[options.who]
    return judged(bench, lambda: test(bench, options.times), lambda: options.who)


if __name__ == "__main__":
    leave(main())
