#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Messages a second through a hub and SQS, beside libcurl alone (bench_sqs.c), on the same emulator in the same run.

    python3 tests/bridges/bench_sqs.py build/release/bin/standpipe

Both sides speak to the emulator itself: the proxy of the tests would be what is measured. Most of the time is the emulator's.
"""

import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

from kit.fifo import stream  # noqa: E402
from servers.sqs import KEY, Queues, Sqs  # noqa: E402

MESSAGES, ROUNDS, SENDS, RECEIVERS = 2_000, 3, 8, 4


def until(condition):
    while not condition():
        time.sleep(0.01)


class Bench:
    def __init__(self, place, hub, server):
        self.place, self.hub = place, hub
        _, self.emulator = server.address().split()
        self.queues = Queues(f"{self.emulator} {self.emulator}")
        self.bare = place / "bench_sqs"
        subprocess.run(["gcc", "-O2", "-o", self.bare, HERE / "bench_sqs.c", "-lcurl"], check=True)
        self.environment = {**os.environ, **KEY, "XDG_RUNTIME_DIR": str(place)}
        self.count = 0

    def new_queue(self):
        self.count += 1
        name = f"bench{self.count}"
        self.queues.create(name)
        return name

    def run_bare(self, verb, queue, size):
        requests = SENDS if verb == "send" else RECEIVERS
        began = time.monotonic()
        arguments = [verb, self.emulator + "/", self.queues.url(queue), str(MESSAGES), str(size), str(requests)]
        subprocess.run([self.bare, *arguments], check=True, env=self.environment)
        return MESSAGES / (time.monotonic() - began)

    def start(self, yaml):
        (self.place / "hub.yaml").write_text(f"version: 1\ndata_dir: state\n{yaml}")
        said = open(self.place / "said", "w")
        hub = subprocess.Popen([self.hub, "run", "hub.yaml"], cwd=self.place, env=self.environment, stderr=said)
        until(lambda: "ready" in (self.place / "said").read_text())
        return hub

    def send(self, queue, size):
        options = f"{{queue: {queue}, endpoint_url: '{self.emulator}', concurrency: {SENDS}}}"
        hub = self.start(f"sources: {{in: {{fifo: in}}}}\nhandlers: {{it: {{plugin: sqs, options: {options}}}}}\nroutes: [{{from: in, to: it}}]\n")
        began = time.monotonic()
        with open(self.place / "in", "wb") as fifo:
            fifo.write(stream([b"x" * size] * MESSAGES))
        until(lambda: self.queues.waiting(queue)[0] == MESSAGES)
        took = time.monotonic() - began
        hub.terminate()
        hub.wait()
        return MESSAGES / took

    def receive(self, queue, size):
        (self.place / "out").unlink(missing_ok=True)
        options = f"{{queue: {queue}, endpoint_url: '{self.emulator}', receivers: {RECEIVERS}, wait_time_seconds: 1}}"
        handlers = "handlers: {out: {plugin: log, options: {path: out, format: frames, sync: never}}}"
        hub = self.start(f"sources: {{it: {{plugin: sqs, options: {options}}}}}\n{handlers}\nroutes: [{{from: it, to: out}}]\n")
        began = time.monotonic()
        until(lambda: self.queues.waiting(queue) == (0, 0))
        took = time.monotonic() - began
        assert (self.place / "out").stat().st_size == MESSAGES * (size + 4)
        hub.terminate()
        hub.wait()
        return MESSAGES / took


def main():
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the servers end, too
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        for emulator in ("fauxqs", "local-aws-sqs"):
            with Sqs(place / emulator, emulator) as server:
                bench = Bench(place, pathlib.Path(sys.argv[1]).resolve(), server)
                for size in (128, 1024):
                    results = {"send": ([], []), "receive": ([], [])}
                    for _ in range(ROUNDS):
                        first, second = bench.new_queue(), bench.new_queue()
                        results["send"][0].append(bench.run_bare("send", first, size))
                        results["send"][1].append(bench.send(second, size))
                        results["receive"][0].append(bench.run_bare("receive", first, size))
                        results["receive"][1].append(bench.receive(second, size))
                    for verb, (bare, hub) in results.items():
                        a, b = statistics.median(bare), statistics.median(hub)
                        print(f"{emulator:14} {verb:8} {size:5} B  libcurl {a:7,.0f}/s  hub {b:7,.0f}/s  ratio {b / a:.2f}", flush=True)


main()
