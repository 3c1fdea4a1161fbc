#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One hub under everything at once, for some minutes: every message is judged as it arrives, and what the hub uses must stay flat.

    python3 tests/crash/soak.py --bin build/test/bin/standpipe --minutes 10
"""

import argparse
import os
import pathlib
import shutil
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "e2e"))

from actor import WorkerKiller, account_of  # noqa: E402 (the kit's folder must be known first)
from figures import Figures, grown, table  # noqa: E402
from judge import Wrong  # noqa: E402
from kit import Bench, equal, until  # noqa: E402
from numbered import InOrder, KiB, Numbered  # noqa: E402
from reading import DyingReader, LogReader, RecordReader, StayingReader  # noqa: E402
from writing import GarbageWriter, SteadyWriter, TruncatingWriter  # noqa: E402

YAML = """
memory_max: 16MiB
data_dir: state
sources:
  small: {fifo: small, framing: {max_message_size: 1MiB}}
  mixed: {fifo: mixed, framing: {max_message_size: 1MiB}}
  few: {fifo: few, framing: {max_message_size: 1MiB}}
  truncated: {fifo: truncated, framing: {max_message_size: 1MiB}}
  garbage: {fifo: garbage, framing: {max_message_size: 1MiB}}
handlers:
  fragile: {plugin: recorder, options: {path: fragile.out, trap: X}}
  slow: {plugin: recorder, options: {path: slow.out, delay: 5ms}}
  log: {plugin: log, options: {path: log.out, format: frames, sync: never, rotate_size: 16MiB, keep: 9}}
  steady: {plugin: forward, options: {fifo: steady}}
  dying: {plugin: forward, options: {fifo: dying}}
routes:
  - {from: small, to: [fragile, log]}
  - {from: mixed, to: [steady, dying, log]}
  - {from: few, to: slow}
  - {from: [truncated, garbage], to: log}
"""


class Soak:
    """Verbs: start, work, stop, and the checks, which come after."""

    def __init__(self, folder, seconds):
        self.bench, self.seconds = Bench(folder), seconds
        self.small, self.mixed = Numbered("s", most=128, traps=True), Numbered("m")
        self.few, self.truncated, self.garbage = Numbered("f", most=10 * KiB), Numbered("t"), Numbered("g")
        self.accounts = 0

    def start(self):
        path = self.bench.path
        for fifo in ("steady", "dying"):
            os.mkfifo(path(fifo), 0o600)
        self.orders = {s: InOrder(f"log, {s}") for s in "smtg"}
        self.fragile = InOrder("fragile", again=1, leaves_out=self.small.is_trap)
        self.slow, self.steady = InOrder("slow", again=1), InOrder("steady", again=0)
        recorders = [RecordReader(path("fragile.out"), self.small, self.fragile), RecordReader(path("slow.out"), self.few, self.slow)]
        self.hub = self.bench.start(YAML)
        logged = {m.letter.decode(): (m, self.orders[m.letter.decode()]) for m in (self.small, self.mixed, self.truncated, self.garbage)}
        logged["X"] = logged["s"]  # the traps
        self.dying = DyingReader(path("dying"), self.mixed, self.hub, "mixed -> dying")
        self.readers = [*recorders, LogReader(path("log.out"), logged), StayingReader(path("steady"), {"m": (self.mixed, self.steady)})]
        self.writers = {
            "small": SteadyWriter(path("small"), self.small, rate=3000),
            "mixed": SteadyWriter(path("mixed"), self.mixed, rate=250),
            "few": SteadyWriter(path("few"), self.few, rate=50),
            "truncated": TruncatingWriter(path("truncated"), self.truncated, self.hub, "truncated"),
            "garbage": GarbageWriter(path("garbage"), self.garbage, self.hub, "garbage"),
        }
        self.killer = WorkerKiller(self.hub, pause=max(2, min(20, self.seconds / 20)))
        self.figures = Figures(self.hub, self.seconds)

    def work(self):
        """The account is asked for all the time; it must close whenever it is told."""
        end = time.monotonic() + self.seconds
        while time.monotonic() < end and not self._any_wrong():
            account_of(self.hub)
            self.accounts += 1
            time.sleep(min(1, self.seconds / 20))

    def stop(self):
        """Returns what went wrong while it worked."""
        self.dying.stays.set()
        faults = _ends([self.killer, self.figures, *self.writers.values()])
        faults += _tries(until, lambda: self._any_wrong() or not self._in_flight(), "all is delivered", 60)
        faults += _tries(until, lambda: self._any_wrong() or self._all_came(), "all has come", 60)
        faults += _ends([self.dying, *self.readers])
        return faults + _tries(self.hub.stop)

    def _any_wrong(self):
        return any(a.error for a in [self.killer, self.figures, *self.writers.values(), *self.readers, self.dying])

    def _in_flight(self):
        return sum(p["in_flight"] for name, p in account_of(self.hub).parts.items() if " -> " in name)

    def _all_came(self):
        sent = {w.messages.letter.decode(): w.sent for w in self.writers.values()}
        logged = all(order.has_all(sent[s]) for s, order in self.orders.items())
        return logged and self.fragile.has_all(sent["s"]) and self.slow.has_all(sent["f"]) and self.steady.has_all(sent["m"])

    # ---- the checks

    def honest_writers_messages_are_all_accepted(self):
        for name in ("small", "mixed", "few"):
            self.hub.account.says(name, accepted=self.writers[name].sent)

    def truncated_frames_and_garbage_are_counted(self):
        truncated, garbage, account = self.writers["truncated"], self.writers["garbage"], self.hub.account
        discarded = account.of("truncated")["discarded_bytes"]
        account.says("truncated", accepted=truncated.sent, truncated=truncated.visits, discarded_bytes=discarded)
        assert truncated.least <= discarded <= truncated.most, f"{discarded} bytes of truncated frames, between {truncated.least} and {truncated.most} were written"
        account.says("garbage", accepted=garbage.sent, bad_frame=garbage.visits, discarded_bytes=garbage.bytes)

    def everything_is_delivered_but_for_the_traps(self):
        for name, part in self.hub.account.parts.items():
            traps = self.small.traps_before(self.writers["small"].sent) if name == "small -> fragile" else 0
            if " -> " in name:
                self.hub.account.says(name, delivered=part["matched"] + part["unmatched"] - traps, dead_lettered=traps)

    def everything_arrived_in_order(self):
        assert self._all_came(), "something is missing"  # order, content and repeats were judged on arrival

    def what_dead_readers_lost_is_counted(self):
        lost = self.dying.order.missing + self.writers["mixed"].sent - self.dying.order.next
        counted = self.hub.account.of("mixed -> dying")["unacknowledged"]
        assert lost <= counted, f"{lost} messages arrived nowhere, {counted} are counted"

    def memory_descriptors_and_threads_are_flat(self):
        equal(grown(self.figures.samples), [])

    CHECKS = [
        honest_writers_messages_are_all_accepted, truncated_frames_and_garbage_are_counted, everything_is_delivered_but_for_the_traps,
        everything_arrived_in_order, what_dead_readers_lost_is_counted, memory_descriptors_and_threads_are_flat,
    ]  # fmt: skip

    def said(self):
        w, dying = self.writers, self.dying
        yield from table(self.figures.samples)
        yield ", ".join(f"{name} {writer.sent:,}" for name, writer in w.items()) + " messages sent"
        yield (
            f"{self.killer.kills} kills of the worker, {self.small.traps_before(w['small'].sent)} messages that crash their plugin, "
            f"{dying.deaths} deaths of a reader ({dying.order.missing} messages lost with them, {dying.counted} counted), "
            f"{w['truncated'].visits} of a writer, {w['garbage'].visits} times garbage, {self.accounts} accounts that close"
        )


def _tries(function, *arguments):
    try:
        function(*arguments)
    except (Wrong, AssertionError, OSError) as e:
        return [str(e) or repr(e)]
    return []


def _ends(actors):
    for actor in actors:
        actor.told.set()
    return [fault for actor in actors for fault in _tries(actor.end)]


def report(name, faults):
    print(f"{'FAIL' if faults else 'PASS'} soak: {name.replace('_', ' ')}", *faults, sep="\n    ", flush=True)
    return bool(faults)


def soak(folder, seconds):
    """Returns (passed, failed)."""
    run = Soak(folder, seconds)
    try:
        run.start()
        run.work()
        faults = run.stop()
    finally:
        run.bench.kill_all()
    print(*run.said(), sep="\n")
    failed = report("nobody sees anything wrong while it works", faults)
    for check in run.CHECKS if run.hub.account else []:
        failed += report(check.__name__, _tries(check, run))
    if failed:
        print(run.bench.report())
    return 1 + len(run.CHECKS) - failed, failed


def main():
    p = argparse.ArgumentParser(description="One hub under everything at once, for some minutes.")
    p.add_argument("--bin", required=True, type=pathlib.Path, help="the standpipe program, in its build folder")
    p.add_argument("--minutes", type=float, default=10)
    options = p.parse_args()
    os.environ["STANDPIPE_TEST_BIN"] = str(options.bin.resolve())
    folder = tempfile.mkdtemp(prefix="standpipe soak ")
    passed, failed = soak(folder, options.minutes * 60)
    print(f"its folder: {folder}") if failed else shutil.rmtree(folder)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # threads that hang in a FIFO must not keep a failed run
