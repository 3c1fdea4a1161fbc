#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Messages a second over Unix domain sockets, through the hub and beside bare loops of system calls, in the same run.

    python3 tests/bridges/bench_unix.py --bin build/release/bin/standpipe [--bin ANOTHER] [--only 'socket - hub'] [--rounds 5]

Two bare loops are what a hub is measured against. One sends as many messages a write as 256 KiB hold, which no program does that
sends a message when it has one; the other sends one. The loop that reads takes up to 512 KiB a read beside either. Where the
programs beside a hub write 256 KiB at once, its row is compared with both.

The rows of a size take turns; what is printed is the median of the rounds.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import counting

HERE = pathlib.Path(__file__).resolve().parent
OUT = """
version: 1
data_dir: state
sources: {in: {fifo: in, log: {max_size: 4MiB}}}
handlers: {out: {plugin: unix, isolation: %s, options: {path: s, ack: %s}}}
routes: [{from: in, to: out}]
"""
IN = """
version: 1
data_dir: state
sources: {in: {plugin: unix, isolation: %s, options: {path: s, listen: true, ack: %s, credentials: %s}, log: {max_size: 4MiB}}}
handlers: {counter: %s}
routes: [{from: in, to: counter}]
"""
NONE = """
version: 1
data_dir: state
sources: {in: {fifo: in, log: {max_size: 4MiB}}}
handlers: {counter: %s}
routes: [{from: in, to: counter}]
"""


class Bench:
    hub = None  # the program of the row that is measured

    def __init__(self, folder):
        self.folder, self.load, self.cpu = folder, folder / "load", None
        subprocess.run(["cc", "-O2", "-std=c11", "-D_GNU_SOURCE", "-o", self.load, HERE / "unix_load.c"], check=True)
        counting.build(folder)

    def start(self, *words):
        return subprocess.Popen([str(word) for word in words], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def seconds(self, process):
        out, err = process.communicate(timeout=100)
        assert process.returncode == 0, err
        return float(out)

    def until(self, condition, what):
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline, what
            time.sleep(0.005)

    def run_hub(self, yaml):
        shutil.rmtree(self.folder / "state", ignore_errors=True)
        (self.folder / "config.yaml").write_text(yaml)
        hub = subprocess.Popen([self.hub, "run", "config.yaml", "--control", "control"], cwd=self.folder, stderr=subprocess.DEVNULL)
        self.until(lambda: self.stats() is not None, "the hub is ready")
        return hub

    def stats(self):
        done = subprocess.run([self.hub, "stats", "--json", "--control", "control"], cwd=self.folder, capture_output=True, text=True)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def clear(self):
        (self.folder / "s").unlink(missing_ok=True)

    def bare(self, count, size, words):
        self.clear()
        reader = self.start(self.load, "read", "s", count, size, *words)
        self.until((self.folder / "s").exists, "the reader listens")
        time.sleep(0.05)
        writer = self.start(self.load, "write", "s", count, size, *words)
        self.seconds(writer)
        return self.seconds(reader)

    def socat(self, count, size):
        """One that reads and one that writes, between two bare loops: what a pipe through it costs."""
        self.clear()
        reader = self.start(self.load, "read", "s", count, size)
        self.until((self.folder / "s").exists, "the reader listens")
        time.sleep(0.05)
        if not (self.folder / "in").exists():
            os.mkfifo(self.folder / "in")
        middle = self.start("socat", "-u", "-b", 262144, "OPEN:in,rdonly", "UNIX-CONNECT:s")
        self.start(self.load, "fifo", "in", count, size).communicate()
        seconds = self.seconds(reader)
        middle.communicate()
        return seconds

    def out(self, count, size, acks, isolation):
        self.clear()
        reader = self.start(self.load, "read", "s", count, size, *acks)
        self.until((self.folder / "s").exists, "the reader listens")
        hub = self.run_hub(OUT % (isolation, "true" if acks else "false"))
        writer = self.start(self.load, "fifo", "in", count, size)
        self.seconds(writer)
        seconds = self.seconds(reader)
        self.end(hub)
        return seconds

    def none(self, count, size, isolation):
        """A handler that does next to nothing: what the hub itself costs, and so the most that any handler can do."""
        with counting.counter(self.folder, count, f", isolation: {isolation}") as (handler, seconds):
            hub = self.run_hub(NONE % handler)
            self.seconds(self.start(self.load, "fifo", "in", count, size))
            took = seconds()
            self.end(hub)
            return took

    def end(self, hub):
        hub.terminate()
        usage = os.wait4(hub.pid, 0)[2]
        self.cpu = usage.ru_utime + usage.ru_stime  # with its worker and handlers' processes, which it waited for

    def into(self, count, size, words, isolation, credentials):
        self.clear()
        with counting.counter(self.folder, count) as (handler, seconds):
            hub = self.run_hub(IN % (isolation, "true" if "ack" in words else "false", credentials, handler))
            self.until((self.folder / "s").exists, "the source listens")
            self.seconds(self.start(self.load, "write", "s", count, size, *words))
            took = seconds()
            self.end(hub)
            return took

    def rows(self, size, count, acks, hubs, isolation):
        """(name, program of the hub or None, what is measured); the first two are what the others are compared with."""
        ack = ", ack" if acks else ""
        each = count // 8
        yield f"bare loop, 256 KiB a send{ack}", None, lambda: count / self.bare(count, size, acks)
        yield f"bare loop, a message a send{ack}", None, lambda: each / self.bare(each, size, (*acks, "each"))
        if not acks and shutil.which("socat"):
            yield "FIFO - socat - socket", None, lambda: count / self.socat(count, size)
        for name, hub in hubs.items():
            if not acks:
                yield f"FIFO - {name} - nothing", hub, lambda: count / self.none(count, size, isolation)
            yield f"FIFO - {name} - socket{ack}", hub, lambda: count / self.out(count, size, acks, isolation)
            yield f"socket - {name}{ack}", hub, lambda: count / self.into(count, size, acks, isolation, "true")
            yield f"socket - {name}, no credentials{ack}", hub, lambda: count / self.into(count, size, acks, isolation, "false")
            yield f"socket, a message a send - {name}{ack}", hub, lambda: each / self.into(each, size, (*acks, "each"), isolation, "false")

    def measure(self, size, count, acks, hubs, isolation, rounds, only):
        rows = list(self.rows(size, count, acks, hubs, isolation))
        rows = rows[:2] + [row for row in rows[2:] if re.search(only, row[0])]
        rates, cpu = {name: [] for name, _, _ in rows}, {name: [] for name, _, _ in rows}
        for turn in range(rounds):
            at = turn % len(rows)
            for name, self.hub, run in rows[at:] + rows[:at]:
                self.cpu = None
                rates[name].append(run())
                if self.hub:
                    cpu[name].append(self.cpu / (count // 8 if "a message a send" in name else count) * 1e9)
        blocks, each = (statistics.median(rates[name]) for name, _, _ in rows[:2])
        for name, found in rates.items():
            rate = statistics.median(found)
            cost = f"{statistics.median(cpu[name]):12.0f}" if cpu[name] else ""
            print(f"{name:46} {size:5} {rate:12,.0f} {min(found):12,.0f} {max(found):12,.0f} {rate / blocks:7.2f} {rate / each:7.2f} {cost}", flush=True)


def main():
    p = argparse.ArgumentParser(description="Rates of the plugin unix.")
    p.add_argument("--bin", required=True, action="append", metavar="[NAME=]PATH", help="a standpipe; twice for two side by side")
    p.add_argument("--seconds", type=float, default=2, help="about so long a row, as the slower of them go")
    p.add_argument("--rounds", type=int, default=1)
    p.add_argument("--only", default="", metavar="REGEX", help="only rows that this is found in, and the bare loops")
    p.add_argument("--isolation", default="process")
    options = p.parse_args()
    with tempfile.TemporaryDirectory(prefix="standpipe-bench-") as folder:
        bench = Bench(pathlib.Path(folder))
        print(f"{'':46} {'size':>5} {'messages/s':>12} {'least':>12} {'most':>12} {'blocks':>7} {'each':>7} {'hub, CPU ns':>12}")
        for size in (128, 1024):
            count = int(options.seconds * (2_000_000 if size == 128 else 600_000))
            for acks in ((), ("ack",)):
                bench.measure(size, count, acks, counting.hubs_of(options.bin), options.isolation, options.rounds, options.only)
    return 0


if __name__ == "__main__":
    sys.exit(main())
