#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Messages a second through the plugin rabbitmq, both ways, beside the bare library on the same broker, in turns.

    python3 tests/bridges/serve.py --only rabbitmq -- python3 tests/bridges/bench_rabbitmq.py --bin build/release/bin/standpipe

Prints a table: medians, and the median of the ratios of each round.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import statistics
import struct
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent

OUT = """
version: 1
data_dir: state
sources: {in: {fifo: in, log: {max_size: 4MiB}}}
handlers: {out: {plugin: rabbitmq, %s options: {port: %d, queue: %s}}}
routes: [{from: in, to: out}]
"""
BACK = """
version: 1
data_dir: state
sources: {back: {plugin: rabbitmq, %s log: {max_size: 4MiB}, options: {port: %d, queue: %s}}}
handlers: {log: {plugin: log, options: {path: log, format: frames}}}
routes: [{from: back, to: log}]
"""


def built(folder):
    program = folder / "bench_rabbitmq"
    subprocess.run(["cc", "-O2", "-o", program, HERE / "bench_rabbitmq.c", "-lrabbitmq"], check=True)
    return program


class Queue:
    def __init__(self, port, name):
        self.url, self.name = f"amqp://guest:guest@127.0.0.1:{port}/%2f", name
        subprocess.run(["amqp-delete-queue", "-u", self.url, "-q", name], capture_output=True)
        subprocess.run(["amqp-declare-queue", "-u", self.url, "-q", name, "-d"], check=True, capture_output=True)


class Hub:
    def __init__(self, binary, folder, yaml):
        self.folder, self.binary = folder, binary
        (folder / "hub.yaml").write_text(yaml)
        self.log = open(folder / "said", "w")
        self.process = subprocess.Popen([binary, "run", "hub.yaml", "--control", "control"], cwd=folder, stderr=self.log)
        while "ready" not in (folder / "said").read_text():
            time.sleep(0.01)

    def delivered(self):
        out = subprocess.run([self.binary, "stats", "--json", "--control", "control"], cwd=self.folder, capture_output=True).stdout
        return sum(d["delivered"] for d in json.loads(out)["deliveries"]) if out else 0

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def through_hub_out(options, port, size, count, place):
    folder = pathlib.Path(tempfile.mkdtemp(dir=options.folder))
    Queue(port, "bench")
    hub = Hub(options.bin, folder, OUT % (place, port, "bench"))
    fd = os.open(folder / "in", os.O_WRONLY)
    frame = struct.pack("<I", size) + bytes(size)
    several = max(1, 65536 // len(frame))
    began, left = time.monotonic(), count
    while left:
        n = min(left, several)
        view = memoryview(frame * n)
        while view:
            view = view[os.write(fd, view) :]
        left -= n
    os.close(fd)
    while hub.delivered() < count:
        time.sleep(0.005)
    seconds = time.monotonic() - began
    hub.stop()
    shutil.rmtree(folder)
    return count / seconds


def through_hub_back(options, port, size, count, place):
    folder = pathlib.Path(tempfile.mkdtemp(dir=options.folder))
    hub = Hub(options.bin, folder, BACK % (place, port, "bench"))
    began, whole = time.monotonic(), count * (size + 4)
    while not (folder / "log").exists() or (folder / "log").stat().st_size < whole:
        time.sleep(0.002)
    seconds = time.monotonic() - began
    hub.stop()
    shutil.rmtree(folder)
    return count / seconds


def bare(program, what, port, size, count):
    if what == "publish":
        Queue(port, "bench")
    out = subprocess.run([program, what, str(port), "bench", str(size), str(count)], check=True, capture_output=True).stdout
    return count / float(out)


def main():
    p = argparse.ArgumentParser(description="Measures the plugin rabbitmq beside the bare library.")
    p.add_argument("--bin", required=True, type=lambda text: pathlib.Path(text).resolve())
    p.add_argument("--count", type=int, default=50_000)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--place", default="", choices=["", "thread", "process"], help="where the plugin runs")
    options = p.parse_args()
    port = int(os.environ["STANDPIPE_TEST_RABBITMQ"].split()[0])
    place = f"isolation: {options.place}," if options.place else ""
    options.folder = tempfile.mkdtemp()
    program = built(pathlib.Path(options.folder))
    print("| bytes | way | bare library | Standpipe | ratio |\n|---|---|---|---|---|")
    for size in (128, 1024):
        rows = {"publish": [], "consume": []}
        for _ in range(options.rounds):
            alone = bare(program, "publish", port, size, options.count)
            taken = bare(program, "consume", port, size, options.count)
            hub = through_hub_out(options, port, size, options.count, place)
            back = through_hub_back(options, port, size, options.count, place)
            rows["publish"].append((alone, hub))
            rows["consume"].append((taken, back))
        for way, pairs in rows.items():
            one, other = (statistics.median(column) for column in zip(*pairs))
            ratio = statistics.median(b / a for a, b in pairs)
            print(f"| {size} | {way} | {one:,.0f}/s | {other:,.0f}/s | {ratio:.2f}x |", flush=True)
    shutil.rmtree(options.folder)


main()
