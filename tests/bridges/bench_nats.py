#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Messages a second through a hub to and from nats-server, beside a loop of the bare library on the same server.

    python3 tests/bridges/bench_nats.py build/release/bin/standpipe [COUNT] [ROUNDS]
"""

import contextlib
import pathlib
import signal
import struct
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from nats_client import Client  # noqa: E402
from servers.nats import Nats  # noqa: E402

SIZES = 128, 1024
BURST = 500  # messages a write
OUT = """
sources: {in: {fifo: in}}
handlers: {it: {plugin: nats, options: {servers: [%s], subject: b.x}}}
routes: [{from: in, to: it}]
"""
IN = """
sources: {it: {plugin: nats, options: {servers: [%s], stream: B, durable: hub}}}
handlers: {out: {plugin: log, options: {path: out, format: frames}}}
routes: [{from: it, to: out}]
"""
WRITER = """
import os, sys
fifo, frames = os.open("in", os.O_WRONLY), open("frames", "rb").read()
for _ in range(int(sys.argv[1])):
    rest = memoryview(frames)
    while rest:
        rest = rest[os.write(fifo, rest):]
"""


@contextlib.contextmanager
def hub(program, folder, yaml):
    (folder / "hub.yaml").write_text("version: 1\ndata_dir: state\n" + yaml)
    process = subprocess.Popen([program, "run", "hub.yaml", "--control", folder / "control"], cwd=folder, stderr=subprocess.PIPE, text=True)
    try:
        while "ready" not in (line := process.stderr.readline()):
            assert line, "the hub ended"
        yield process
    finally:
        process.terminate()
        process.stderr.read()
        process.wait()


def wait_for(read, goal):
    while read() < goal:
        time.sleep(0.005)
    return time.monotonic()


def rate(read, count):
    """Of the last seven eighths: by then everything is started."""
    read_now = {}

    def reading():
        read_now["at"] = read()
        return read_now["at"]

    began = wait_for(reading, count // 8)
    first = read_now["at"]
    return (count - first) / (wait_for(read, count) - began)


def publish(program, folder, server, client, size, count):
    client.api("STREAM.PURGE.B")
    with hub(program, folder, OUT % server.address()):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(count // BURST)], cwd=folder)
        found = rate(lambda: client.stream("B")["messages"], count)
        writer.wait()
    return found


def bring(program, folder, server, client, size, count):
    """The stream has the messages of `publish`."""
    with contextlib.suppress(AssertionError):
        client.api("CONSUMER.DELETE.B.hub")
    (folder / "out").unlink(missing_ok=True)
    with hub(program, folder, IN % server.address()):
        return rate(lambda: client.consumer("B", "hub")["ack_floor"]["stream_seq"] - client.stream("B")["first_seq"] + 1, count)


def bare(tool, server, client, size, count):
    client.api("STREAM.PURGE.B")
    out = float(subprocess.run([tool, "publish", server.address(), "b.x", str(size), str(count)], check=True, capture_output=True).stdout)
    config = {"durable_name": "bare", "ack_policy": "explicit", "max_ack_pending": 20000}
    client.api("CONSUMER.DURABLE.CREATE.B.bare", stream_name="B", config=config)
    into = float(subprocess.run([tool, "fetch", server.address(), "B", "bare", str(count)], check=True, capture_output=True).stdout)
    client.api("CONSUMER.DELETE.B.bare")
    return out, into


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 200_000
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    place = pathlib.Path(tempfile.mkdtemp(prefix="bench-nats-"))
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started ends, too
    tool = place / "bench_nats"
    subprocess.run(["cc", "-O2", "-o", tool, HERE / "bench_nats.c", "-lnats"], check=True)
    print(f"{'size':>5} {'way':>4} {'hub':>9} {'bare':>9} {'ratio':>6}   (best of {rounds}, {count:,} messages)")
    with Nats(place / "server") as server, Client(server.address(), 120) as client:
        client.add_stream("B", "b.>")
        for size in SIZES:
            best = {"out": [0, 0], "in": [0, 0]}
            for _ in range(rounds):
                (place / "frames").write_bytes((struct.pack("<I", size) + b"x" * size) * BURST)
                best["out"][0] = max(best["out"][0], publish(program, place, server, client, size, count))
                best["in"][0] = max(best["in"][0], bring(program, place, server, client, size, count))
                out, into = bare(tool, server, client, size, count)
                best["out"][1], best["in"][1] = max(best["out"][1], out), max(best["in"][1], into)
            for way, (ours, theirs) in best.items():
                print(f"{size:>5} {way:>4} {ours:>9,.0f} {theirs:>9,.0f} {ours / theirs:>6.2f}", flush=True)


if __name__ == "__main__":
    main()
