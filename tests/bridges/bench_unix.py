#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Messages a second over Unix domain sockets, through the hub and beside a bare loop of system calls.

    python3 tests/bridges/bench_unix.py --bin build/release/bin/standpipe
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

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
handlers: {none: {plugin: filter, options: {sample: 1/1000000}}}
routes: [{from: in, to: none}]
"""
NONE = """
version: 1
data_dir: state
sources: {in: {fifo: in, log: {max_size: 4MiB}}}
handlers: {none: {plugin: filter, isolation: %s, options: {sample: 1/1000000}}}
routes: [{from: in, to: none}]
"""


class Bench:
    def __init__(self, hub, folder):
        self.hub, self.folder, self.load, self.cpu = hub, folder, folder / "load", None
        subprocess.run(["cc", "-O2", "-std=c11", "-D_GNU_SOURCE", "-o", self.load, HERE / "unix_load.c"], check=True)

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

    def bare(self, count, size, acks):
        self.clear()
        self.cpu = None
        reader = self.start(self.load, "read", "s", count, size, *acks)
        self.until((self.folder / "s").exists, "the reader listens")
        time.sleep(0.05)
        writer = self.start(self.load, "write", "s", count, size, *acks)
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
        hub = self.run_hub(NONE % isolation)
        began = time.monotonic()
        self.seconds(self.start(self.load, "fifo", "in", count, size))
        self.until(lambda: self.stats()["deliveries"][0]["in_flight"] == 0 and self.stats()["sources"]["in"]["accepted"] == count, "all are there")
        seconds = time.monotonic() - began
        self.end(hub)
        return seconds

    def end(self, hub):
        hub.terminate()
        usage = os.wait4(hub.pid, 0)[2]
        self.cpu = usage.ru_utime + usage.ru_stime

    def into(self, count, size, acks, isolation, credentials):
        self.clear()
        hub = self.run_hub(IN % (isolation, "true" if acks else "false", credentials))
        self.until((self.folder / "s").exists, "the source listens")
        began = time.monotonic()
        writer = self.start(self.load, "write", "s", count, size, *acks)
        self.seconds(writer)
        self.until(lambda: self.stats()["deliveries"][0]["in_flight"] == 0 and self.stats()["sources"]["in"]["accepted"] == count, "all are there")
        seconds = time.monotonic() - began
        self.end(hub)
        return seconds


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--bin", required=True, type=pathlib.Path)
    p.add_argument("--seconds", type=float, default=2, help="about so long a row, as the bare loop goes")
    p.add_argument("--isolation", default="process")
    options = p.parse_args()
    with tempfile.TemporaryDirectory(prefix="standpipe-bench-") as folder:
        bench = Bench(options.bin.resolve(), pathlib.Path(folder))
        print(f"{'':34} {'size':>5} {'messages/s':>12} {'ratio':>6} {'hub, CPU ns':>12}")
        for size in (128, 1024):
            count = int(options.seconds * (2_000_000 if size == 128 else 600_000))
            for acks in ((), ("ack",)):
                base = None
                rows = [("bare loop", lambda: bench.bare(count, size, acks))]
                if not acks and shutil.which("socat"):
                    rows.append(("FIFO - socat - socket", lambda: bench.socat(count, size)))
                if not acks:
                    rows.append(("FIFO - hub - nothing", lambda: bench.none(count, size, options.isolation)))
                rows.append(("FIFO - hub - socket", lambda: bench.out(count, size, acks, options.isolation)))
                rows.append(("socket - hub", lambda: bench.into(count, size, acks, options.isolation, "true")))
                rows.append(("socket - hub, no credentials", lambda: bench.into(count, size, acks, options.isolation, "false")))
                for name, run in rows:
                    seconds = run()
                    base = base or seconds
                    print(f"{name + (', ack' if acks else ''):34} {size:5} {count / seconds:12,.0f} {base / seconds:6.2f} {f'{bench.cpu / count * 1e9:12.0f}' if bench.cpu else ''}", flush=True)
                    bench.cpu = None
    return 0


if __name__ == "__main__":
    sys.exit(main())
