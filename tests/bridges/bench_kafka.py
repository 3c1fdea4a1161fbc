#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Messages a second through the hub to Kafka and back, beside Kafka's load tool and kcat (librdkafka alone) on the same server.

    python3 tests/bridges/bench_kafka.py --bin build/release/bin/standpipe
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

from kafka import peer  # noqa: E402
from kit import Bench, stream  # noqa: E402
from servers.kafka import Kafka, java  # noqa: E402

OUT = """
data_dir: state
sources: {in: {fifo: in}}
handlers:
  out: {plugin: kafka, options: {bootstrap_servers: [%s], topic: %s}}
routes: [{from: in, to: out}]
"""
BACK = """
data_dir: state
sources:
  back: {plugin: kafka, options: {bootstrap_servers: [%s], topic: %s, group_id: "%s"}}
handlers:
  log: {plugin: log, options: {path: log, format: frames}}
routes: [{from: back, to: log}]
"""
IDEMPOTENT = ["-X", "enable.idempotence=true", "-X", "queue.buffering.max.messages=1000000"]


def seconds_of(function, *arguments):
    began = time.monotonic()
    function(*arguments)
    return time.monotonic() - began


def kcat_out(t, address, topic, size, count):
    lines = t.path("lines")
    lines.write_bytes((b"x" * size + b"\n") * count)
    return seconds_of(peer.kcat, address, "-P", "-t", topic, "-l", lines, *IDEMPOTENT)


def tool_out(t, address, topic, size, count):
    settings = ["--producer-props", f"bootstrap.servers={address}", "acks=all", "linger.ms=5"]
    command = java("org.apache.kafka.tools.ProducerPerformance", "--topic", topic, "--num-records", str(count), "--record-size", str(size), "--throughput", "-1", *settings)
    done = subprocess.run([word for word in command if "TieredStopAtLevel" not in word], capture_output=True, text=True, check=True)
    return count / float(re.findall(r"sent, ([\d.]+) records/sec", done.stdout)[-1])


def say_cpu(what, hub, count):
    """Of each thread of the hub, in microseconds for a message: what a machine that is busy otherwise does not change."""
    if "--cpu" not in sys.argv:
        return
    said = []
    for pid in hub.pids() + [child for worker in hub.pids()[1:] for child in map(int, pathlib.Path(f"/proc/{worker}/task/{worker}/children").read_text().split())]:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            name, _, rest = (task / "stat").read_text().partition("(")[2].rpartition(")")
            ticks = sum(map(int, rest.split()[11:13]))
            if ticks > 2:
                said.append(f"{name} {ticks * 1e4 / count:.1f}")
    print(f"         {what}: {', '.join(said)}", flush=True)


def hub_out(t, address, topic, size, count):
    hub = t.start(OUT % (address, topic))
    data = stream([b"x" * size] * 1000)
    writer = t.writer("in")
    began = time.monotonic()
    for _ in range(count // 1000):
        writer.write(data)
    while hub.account_now().of("in -> out")["delivered"] < count:
        time.sleep(0.2)
    took = time.monotonic() - began
    say_cpu("out", hub, count)
    writer.close()
    hub.stop()
    return took


def kcat_back(t, address, topic, size, count):
    return seconds_of(peer.kcat, address, "-C", "-q", "-e", "-o", "beginning", "-t", topic, "-c", count, "-f", "")


def hub_back(t, address, topic, size, count, group=""):
    hub = t.start(BACK % (address, topic, group))
    began = None
    while t.size("log") < count * (size + 4):
        if began is None and t.size("log"):
            began, first = time.monotonic(), t.size("log") / (size + 4)
        time.sleep(0.01)
    took = (time.monotonic() - began) * count / (count - first)
    say_cpu("back", hub, count)
    hub.stop()
    t.path("log").unlink()
    return took


def hub_back_group(t, address, topic, size, count):
    return hub_back(t, address, topic, size, count, t.folder.name)  # a group of its own


def main():
    p = argparse.ArgumentParser(description="Messages a second to Kafka and back.")
    p.add_argument("--bin", required=True, type=pathlib.Path)
    p.add_argument("--count", type=int, default=400_000, help="messages of 128 bytes; a quarter of it of 1 KiB")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--only", default="", help="names of measures, with commas between them")
    p.add_argument("--cpu", action="store_true", help="say what each thread of the hub used")
    options = p.parse_args()
    os.environ["STANDPIPE_TEST_BIN"] = str(options.bin.resolve())
    with tempfile.TemporaryDirectory(prefix="standpipe-bench-") as folder, Kafka(pathlib.Path(folder) / "server") as server:
        address = server.address()
        print(f"{'':8} {'':18} messages/s, median of {options.rounds}", flush=True)
        for size, count in ((128, options.count), (1024, options.count // 4)):
            for measure in (kcat_out, hub_out, kcat_back, hub_back, hub_back_group, tool_out):
                if options.only and measure.__name__ not in options.only.split(","):
                    continue
                rates = []
                for round in range(options.rounds):
                    place = pathlib.Path(folder) / f"{size}-{measure.__name__}-{round}"
                    place.mkdir()
                    topic = f"of-{size}" if "back" in measure.__name__ else f"to-{measure.__name__}-{size}-{round}"
                    peer.create_topic(address, topic, 1)
                    if measure is kcat_back and round == 0:
                        kcat_out(Bench(place), address, topic, size, count)
                    t = Bench(place)
                    rates.append(count / measure(t, address, topic, size, count))
                    t.kill_all()
                print(f"{size:6} B {measure.__name__.replace('_', ' '):18} {sorted(rates)[len(rates) // 2]:10,.0f}", flush=True)


main()
