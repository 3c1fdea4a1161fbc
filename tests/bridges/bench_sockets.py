#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Messages a second through a hub by the plugins zeromq and nanomsg, beside bare programs of their libraries in the same run.

    python3 tests/bridges/bench_sockets.py --bin build/release/bin/standpipe [--count 200000]

out: FIFO -> hub -> bare receiver; in: bare sender -> hub -> a handler that counts, as the bare receiver does; both: FIFO -> hub ->
hub -> the same, acknowledged.
"""

import argparse
import pathlib
import re
import socket
import statistics
import struct
import subprocess
import tempfile
import time

import counting

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
handlers: {{counter: {counter}}}
routes: [{{from: afar, to: counter}}]
"""


def url():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{s.getsockname()[1]}"


class Hub:
    def __init__(self, binary, folder, name, yaml, **values):
        self.folder, self.control = folder, folder / f"{name}.run"
        (folder / f"{name}.yaml").write_text(yaml.format(name=name, **values))
        self.control.mkdir(mode=0o700, exist_ok=True)
        self.errors = open(folder / f"{name}.stderr", "w+")
        command = [binary, "run", f"{name}.yaml", "--control", self.control / "control"]
        self.process = subprocess.Popen(command, cwd=folder, stderr=self.errors, stdin=subprocess.DEVNULL)
        while " ready " not in (folder / f"{name}.stderr").read_text():
            assert self.process.poll() is None, (folder / f"{name}.stderr").read_text()
            time.sleep(0.02)

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Bench:
    binary = None  # of the row that is measured

    def __init__(self, folder, count):
        self.folder, self.count = folder, count

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
        with counting.counter(self.folder, count) as (counter, seconds):
            hub = self.hub("in", INTO, plugin=plugin, options=options % at, counter=counter)
            sender = self.program(library, "send", at, count, size, *asks)
            took = seconds()
            sender.kill()
            sender.wait()
            hub.stop()
        return count / took

    def both(self, size, count, plugin, ours, theirs):
        at = url()
        with counting.counter(self.folder, count) as (counter, seconds):
            far = self.hub("far", INTO, plugin=plugin, options=theirs % at, counter=counter)
            hub = self.hub("near", OUT, plugin=plugin, options=ours % at)
            self.feed(size, count)
            took = seconds()
            hub.stop()
            far.stop()
        return count / took


    def rows(self, size, hubs):
        """(name, the hub's program or None, what it is compared with, what is measured)."""
        count, few = self.count, self.count // 10
        lengths = "urls: ['%s'], framing: length_prefixed"
        zmq, push, req = "libzmq PUSH -> PULL", "libnanomsg PUSH -> PULL", "libnanomsg REQ -> REP"
        yield zmq, None, zmq, lambda: self.bare("zmq", size, count)
        yield push, None, push, lambda: self.bare("nanomsg", size, count)
        yield req, None, req, lambda: self.bare("nanomsg", size, few, "asks")
        for name, hub in hubs.items():
            acks = "endpoints: ['%s'], ack: true", "endpoints: ['%s'], ack: true, bind: true"
            yield f"zeromq: {name} PUSH -> PULL", hub, zmq, lambda: self.out("zmq", size, count, "zeromq", "endpoints: ['%s']")
            yield f"zeromq: PUSH -> {name} PULL", hub, zmq, lambda: self.into("zmq", size, count, "zeromq", "endpoints: ['%s'], bind: true")
            yield f"zeromq: {name} -> {name}, ack", hub, zmq, lambda: self.both(size, count, "zeromq", *acks)
            yield f"nanomsg: {name} PUSH -> PULL", hub, push, lambda: self.out("nanomsg", size, count, "nanomsg", "protocol: push, urls: ['%s']")
            yield f"nanomsg: PUSH -> {name} PULL", hub, push, lambda: self.into("nanomsg", size, count, "nanomsg", "protocol: pull, urls: ['%s'], listen: true")
            yield f"nanomsg: {name} REQ -> REP", hub, req, lambda: self.out("nanomsg", size, few, "nanomsg", "urls: ['%s']", "asks")
            yield f"nanomsg: REQ -> {name} REP", hub, req, lambda: self.into("nanomsg", size, few, "nanomsg", "urls: ['%s'], listen: true", "asks")
            yield f"nanomsg: {name} -> {name}, REQ, framed", hub, push, lambda: self.both(size, count, "nanomsg", lengths, lengths + ", listen: true")

    def measure(self, size, hubs, rounds, only):
        """Rows take turns; printed are the medians of the rounds, of those that `only` finds and what they are compared with."""
        rows = list(self.rows(size, hubs))
        wanted = {name for name, *_ in rows if only.search(name)}
        wanted |= {of for name, _, of, _ in rows if name in wanted}
        rows = [row for row in rows if row[0] in wanted]
        rates = {name: [] for name, *_ in rows}
        for turn in range(rounds):
            at = turn % len(rows)
            for name, self.binary, _, run in rows[at:] + rows[:at]:
                rates[name].append(run())
        for name, hub, of, _ in rows:
            rate = statistics.median(rates[name])
            ratio = f"{rate / statistics.median(rates[of]):9.2f}" if hub else ""
            print(f"{name:38}{size:6}{rate:12,.0f}{min(rates[name]):12,.0f}{max(rates[name]):12,.0f}{ratio}", flush=True)


def main():
    p = argparse.ArgumentParser(description="Rates of the plugins zeromq and nanomsg.")
    p.add_argument("--bin", required=True, action="append", metavar="[NAME=]PATH", help="a standpipe; twice for two side by side")
    p.add_argument("--count", type=int, default=200_000, help="messages of each row; a multiple of 10,000")
    p.add_argument("--rounds", type=int, default=1)
    p.add_argument("--only", type=re.compile, default=re.compile(""), help="a regular expression: rows by their names")
    p.add_argument("--sizes", type=int, nargs="+", default=[128, 1024])
    options = p.parse_args()
    with tempfile.TemporaryDirectory(prefix="standpipe-bench-") as place:
        folder = pathlib.Path(place)
        counting.build(folder)
        for library, name in (("zmq", "ZMQ"), ("nanomsg", "NANOMSG")):
            subprocess.run(["cc", "-O2", f"-D{name}", HERE / "bench_sockets.c", "-o", folder / library, f"-l{library}"], check=True)
        bench = Bench(folder, options.count)
        print(f"{'':38}{'bytes':>6}{'a second':>12}{'least':>12}{'most':>12}{'of bare':>9}", flush=True)
        for size in options.sizes:
            bench.measure(size, counting.hubs_of(options.bin), options.rounds, options.only)


if __name__ == "__main__":
    main()
