#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Messages a second through a hub by the plugins zeromq and nanomsg, beside bare programs of their libraries in the same run.

    python3 tests/bridges/bench_sockets.py --bin build/release/bin/standpipe [--count 200000]

out: FIFO -> hub -> bare receiver; in: bare sender -> hub -> log; both: FIFO -> hub -> hub -> log, acknowledged.
"""

import argparse
import json
import pathlib
import socket
import struct
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent

OUT = """version: 1
data_dir: {name}-state
sources: {{in: {{fifo: in, log: {{max_size: 8MiB}}}}}}
handlers: {{away: {{plugin: {plugin}, options: {{{options}}}}}}}
routes: [{{from: in, to: away}}]
"""
INTO = """version: 1
data_dir: {name}-state
sources: {{afar: {{plugin: {plugin}, options: {{{options}}}}}}}
handlers: {{out: {{plugin: log, options: {{path: out, format: frames, sync: never}}}}}}
routes: [{{from: afar, to: out}}]
"""


def url():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{s.getsockname()[1]}"


class Hub:
    def __init__(self, binary, folder, name, yaml, **values):
        self.folder, self.control = folder, folder / f"{name}.run"
        self.binary = binary
        (folder / f"{name}.yaml").write_text(yaml.format(name=name, **values))
        self.control.mkdir(mode=0o700, exist_ok=True)
        self.errors = open(folder / f"{name}.stderr", "w+")
        command = [binary, "run", f"{name}.yaml", "--control", self.control / "control"]
        self.process = subprocess.Popen(command, cwd=folder, stderr=self.errors, stdin=subprocess.DEVNULL)
        while " ready " not in (folder / f"{name}.stderr").read_text():
            assert self.process.poll() is None, (folder / f"{name}.stderr").read_text()
            time.sleep(0.02)

    def delivered(self):
        out = subprocess.run([self.binary, "stats", "--json", "--control", self.control / "control"], capture_output=True, check=True).stdout
        return sum(d["delivered"] for d in json.loads(out)["deliveries"])

    def until_delivered(self, count):
        while self.delivered() < count:
            time.sleep(0.02)

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Bench:
    def __init__(self, binary, folder, count):
        self.binary, self.folder, self.count = binary, folder, count

    def hub(self, name, yaml, **values):
        return Hub(self.binary, self.folder, name, yaml, **values)

    def program(self, library, *words):
        return subprocess.Popen([self.folder / library, *map(str, words)], stdout=subprocess.PIPE)

    def feed(self, size, count):
        frames = (struct.pack("<I", size) + bytes(size)) * 1000
        with open(self.folder / "in", "wb", buffering=0) as fifo:
            for _ in range(count // 1000):
                view = memoryview(frames)
                while view:
                    view = view[fifo.write(view) :]

    def bare(self, library, size, count, *asks):
        at = url()
        receiver = self.program(library, "receive", at, count, *(["0", "asks"] if asks else []))
        sender = self.program(library, "send", at, count, size, *asks)
        seconds = float(receiver.communicate()[0])
        sender.kill()
        sender.wait()
        return count / seconds

    def out(self, library, size, count, plugin, options, *asks):
        at = url()
        receiver = self.program(library, "receive", at, count, *(["0", "asks"] if asks else []))
        hub = self.hub("out", OUT, plugin=plugin, options=options % at)
        self.feed(size, count)
        seconds = float(receiver.communicate()[0])
        hub.stop()
        return count / seconds

    def into(self, library, size, count, plugin, options, *asks):
        at = url()
        hub = self.hub("in", INTO, plugin=plugin, options=options % at)
        began = time.monotonic()
        sender = self.program(library, "send", at, count, size, *asks)
        hub.until_delivered(count)
        seconds = time.monotonic() - began
        sender.kill()
        sender.wait()
        hub.stop()
        return count / seconds

    def both(self, size, count, plugin, ours, theirs):
        at = url()
        far = self.hub("far", INTO, plugin=plugin, options=theirs % at)
        hub = self.hub("near", OUT, plugin=plugin, options=ours % at)
        began = time.monotonic()
        self.feed(size, count)
        hub.until_delivered(count)
        seconds = time.monotonic() - began
        hub.stop()
        far.stop()
        return count / seconds


def main():
    p = argparse.ArgumentParser(description="Rates of the plugins zeromq and nanomsg.")
    p.add_argument("--bin", required=True, type=pathlib.Path)
    p.add_argument("--count", type=int, default=200_000, help="messages of each row; a multiple of 10,000")
    options = p.parse_args()
    with tempfile.TemporaryDirectory(prefix="standpipe-bench-") as place:
        folder = pathlib.Path(place)
        for library, name in (("zmq", "ZMQ"), ("nanomsg", "NANOMSG")):
            subprocess.run(["cc", "-O2", f"-D{name}", HERE / "bench_sockets.c", "-o", folder / library, f"-l{library}"], check=True)
        bench = Bench(options.bin.resolve(), folder, options.count)
        count, few = options.count, options.count // 10
        print(f"{'':34}{'bytes':>6}{'a second':>12}{'of bare':>9}", flush=True)
        for size in (128, 1024):
            bare = {}

            def row(name, rate, of=None):
                print(f"{name:34}{size:6}{rate:12,.0f}" + (f"{rate / bare[of]:9.2f}" if of else ""), flush=True)
                (folder / "out").unlink(missing_ok=True)

            bare["zmq"] = bench.bare("zmq", size, count)
            row("libzmq PUSH -> PULL", bare["zmq"])
            row("zeromq: hub PUSH -> PULL", bench.out("zmq", size, count, "zeromq", "endpoints: ['%s']"), "zmq")
            row("zeromq: PUSH -> hub PULL", bench.into("zmq", size, count, "zeromq", "endpoints: ['%s'], bind: true"), "zmq")
            row("zeromq: hub -> hub, ack", bench.both(size, count, "zeromq", "endpoints: ['%s'], ack: true", "endpoints: ['%s'], ack: true, bind: true"), "zmq")
            bare["push"] = bench.bare("nanomsg", size, count)
            row("libnanomsg PUSH -> PULL", bare["push"])
            row("nanomsg: hub PUSH -> PULL", bench.out("nanomsg", size, count, "nanomsg", "protocol: push, urls: ['%s']"), "push")
            row("nanomsg: PUSH -> hub PULL", bench.into("nanomsg", size, count, "nanomsg", "protocol: pull, urls: ['%s'], listen: true"), "push")
            bare["req"] = bench.bare("nanomsg", size, few, "asks")
            row("libnanomsg REQ -> REP", bare["req"])
            row("nanomsg: hub REQ -> REP", bench.out("nanomsg", size, few, "nanomsg", "urls: ['%s']", "asks"), "req")
            row("nanomsg: REQ -> hub REP", bench.into("nanomsg", size, few, "nanomsg", "urls: ['%s'], listen: true", "asks"), "req")
            lengths = "urls: ['%s'], framing: length_prefixed"
            row("nanomsg: hub -> hub, REQ, framed", bench.both(size, count, "nanomsg", lengths, lengths + ", listen: true"), "push")


if __name__ == "__main__":
    main()
