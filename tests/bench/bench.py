# SPDX-License-Identifier: Apache-2.0
"""The hub beside others on the same work: pairs interleaved, medians and spread, content checked. See run.sh."""

import argparse
import dataclasses
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time

import brokers
import measure
import report
from measure import Failed, Load, Place
from middles import (
    LOAD,
    CatToDisk,
    CatToFile,
    CatToNull,
    CounterHub,
    CounterIn,
    DevicesHub,
    EXEC_PROGRAMS,
    Echo,
    ExecHub,
    FloodedEcho,
    FloodedHub,
    Hub,
    LogHub,
    Middle,
    Nng,
    Nothing,
    POWERS,
    PythonReader,
    QueueHub,
    RelayHub,
    RoutedHub,
    Socat,
    SplitHub,
    SyslogNg,
    SYSLOG_NG_FILTERS,
    TenHub,
    TextHub,
    ZeroMq,
    hub,
    is_there,
    syslog_ng_filter,
)

SIZES = [16, 128, 1024, 65536, 1 << 20]
TEXT_SIZES = [16, 300, 1024, 65536, 1 << 20]
DEVICE_SIZES = [128, 300, 1024]
BATCH = 65536
EXEC_SIZES = [16, 128, 1024, 65536]
QUEUE_SIZES = [128, 1024, 65536]
META_SIZES = [(128, 16), (1024, 16), (16384, 256)]  # bytes of a message, and of its one field
FILE_MOST = 256 << 20  # bytes into a file, which lies in memory


@dataclasses.dataclass
class Work:
    title: str
    first: str  # the name of what the others are measured against
    baseline: type
    hub: type
    in_runs: bool = False
    bytes_most: int = 1 << 40

    def rows(self):
        for size in SIZES:
            for call in (BATCH, 0) if size < BATCH else (0,):
                yield size, call, f"{report.bytes_text(size)}, {'64 KiB' if call else 'a frame'} a write"

    def run(self, size):
        """Messages in a row for one destination: 256, or 1 MiB if that is less."""
        return max(4, min(256, (1 << 20) // size)) if self.in_runs else 1


WORKS = [
    Work("Pass-through, pipe to pipe", "cat", Middle, Hub),
    Work("Delivery to a plugin that counts", "cat >/dev/null", CatToNull, CounterHub),
    Work("Log to a file (frames, sync: never)", "cat >file", CatToFile, LogHub, bytes_most=FILE_MOST),
    Work("Two destinations by content, alternating", "cat to one", Middle, SplitHub),
    Work("Two destinations by content, in runs of 256 (at most 1 MiB, at least 4)", "cat to one", Middle, SplitHub, in_runs=True),
]
RIVALS = {
    "no hop: writer to reader": Nothing,
    "socat": Socat,
    "Python reader": PythonReader,
    "ZeroMQ proxy, ipc": ZeroMq,
    "nng device, ipc": Nng,
    "syslog-ng, lines": SyslogNg,
}


TEXTS = {  # the first is what the others are measured against
    "log, lines": ("plugin: log, options: { path: file, format: lines, sync: never }", False),
    "log, jsonl": ("plugin: log, options: { path: file, format: jsonl, sync: never }", True),
    "print, text": ("plugin: print, options: { format: text }", False),
    "print, json": ("plugin: print, options: { format: json }", True),
}


FIELDS = ["/type: refund{}", "/customer/country: S{}", "/currency: US{}", "/id: {}", "/amount: {{ gte: 1000{} }}"]
ROUTES = {  # title -> (how many, what the payload is, one's condition)
    "Routes by a prefix, to a plugin that counts, 128 B": ((0, 1, 10, 1000), "texts", 128, lambda i: f'{{ text: {{ prefix: "{i} " }} }}'),
    "Routes by a JSON field, to a plugin that counts, 300 B": ((0, 1, 10, 1000), "jsons", 300, lambda i: f"{{ json: {{ /id: {i} }} }}"),
    "Routes by different JSON fields, to a plugin that counts, 300 B": ((0, 10), "jsons", 300, lambda i: f"{{ json: {{ {FIELDS[i % 5].format(i)} }} }}"),
    "Routes by a pattern, to a plugin that counts, 128 B": ((0, 1, 10), "texts", 128, lambda i: f'{{ text: {{ regex: "^{i} x" }} }}'),
}
FILTERS = {  # what takes the orders of one customer out of lines of JSON; messages a second
    "jq": ["jq", "-c", 'select(.customer.country == "NO" and .id == 5)'],
    "grep --line-buffered": ["grep", "--line-buffered", '"id":5,'],
    "Python, json.loads": [sys.executable, "-c", "import json,sys\nfor l in sys.stdin:\n m=json.loads(l)\n if m['id']==5: print(l)"],
}


NEIGHBOURS = {
    "it counts": TenHub.counts,
    "no reader, a queue in memory": TenHub.away + ", queue: { type: memory, max_messages: 1000, when_full: drop_oldest }",
    "no reader, a queue on disk that drops": TenHub.away + ", queue: { type: disk, max_size: 16MiB, when_full: drop_newest }",
    "no reader, no queue: it overflows": TenHub.away,
    "wedged in a call, a queue in memory": TenHub.wedged + ", queue: { type: memory, max_messages: 1000, when_full: drop_oldest }",
    "wedged in a call, a queue on disk that drops": TenHub.wedged + ", queue: { type: disk, max_size: 16MiB, when_full: drop_newest }",
    "its process crashes ten times a second": TenHub.crasher + ", queue: { type: memory, max_messages: 1000, when_full: drop_oldest }",
}


class Bench:
    def __init__(self, options, hubs):
        self.options, self.hubs = options, hubs  # hubs: name -> program
        self.passed, self.failures = 0, []
        self.bars = []  # for the picture: (group, row, name, ratio to the first)

    def wanted(self, *names):
        return not self.options.only or re.search(self.options.only, ", ".join(names))

    # ---- throughput

    def throughput(self):
        for work in WORKS:
            rows = [r for r in work.rows() if self.wanted(work.title, r[2])]
            if rows:
                report.head(work.title, report.THROUGHPUT)
            for size, call, row in rows:
                contenders = {work.first: work.baseline()} | {name: work.hub(program) for name, program in self.hubs.items()}
                if work.hub is Hub:
                    contenders |= {f"{name}, relay": RelayHub(program) for name, program in self.hubs.items()}
                self.side_by_side(work.title, row, contenders, Load(size, call, run=work.run(size)), work.bytes_most)

    def texts(self):
        title = "Text into a file, against lines"
        sizes = [s for s in TEXT_SIZES if self.wanted(title, report.bytes_text(s))]
        if sizes:
            report.head(title, report.THROUGHPUT)
        for size in sizes:
            contenders = {}
            for what, (handler, is_json) in TEXTS.items():
                for name, program in self.hubs.items():
                    contenders[what if len(self.hubs) == 1 else f"{name}: {what}"] = TextHub(program, handler, is_json)
            load = Load(size, BATCH if size < BATCH else 0, texts=True)
            self.side_by_side(title, report.bytes_text(size), contenders, load, FILE_MOST * size // (size + 100))

    def devices(self):
        title = "JSON into jsonl, a file for each of 100 devices against one"
        sizes = [s for s in DEVICE_SIZES if self.wanted(title, report.bytes_text(s))]
        if sizes:
            report.head(title, report.THROUGHPUT)
        for size in sizes:
            contenders = {}
            for what, many in (("one file", False), ("a file a device", True)):
                for name, program in self.hubs.items():
                    contenders[what if len(self.hubs) == 1 else f"{name}: {what}"] = DevicesHub(program, many)
            load = Load(size, BATCH, devices=True)
            self.side_by_side(title, report.bytes_text(size), contenders, load, FILE_MOST * size // (size + 100))

    def queues(self):
        """All on the same disk. `sync: always` waits for it, so its rate is the disk's."""
        title = "A queue on disk, against cat into a file there"
        sizes = [s for s in QUEUE_SIZES if self.wanted(title, report.bytes_text(s))]
        if sizes:
            report.head(title, report.THROUGHPUT)
        for size in sizes:
            row = report.bytes_text(size)
            contenders = {"cat >file": CatToDisk()}
            for sync in ("never", "interval", "always"):
                for name, program in self.hubs.items():
                    contenders[f"{name}, sync: {sync}"] = QueueHub(program, sync)
            for name, broker in () if self.options.smoke or self.options.quick and not self.options.only else brokers.BROKERS.items():
                if brokers.is_there(broker):
                    contenders[name] = broker()
                else:
                    report.not_installed(row, name, broker.package)
            self.side_by_side(title, row, contenders, Load(size, BATCH if size < BATCH else 0), FILE_MOST)

    def isolation(self):
        title = "A plugin that counts in a process of its own, against in a thread"
        sizes = [s for s in (16, 128, 1024, 65536) if self.wanted(title, report.bytes_text(s))]
        if sizes:
            report.head(title, report.THROUGHPUT)
        for size in sizes:
            contenders = {}
            for isolation in ("thread", "process"):
                for name, program in self.hubs.items():
                    contenders[f"{name}, {isolation}"] = CounterIn(program, isolation)
            self.side_by_side(title, report.bytes_text(size), contenders, Load(size, BATCH if size < BATCH else 0))

    def programs(self):
        title = "A program that counts, by exec, against cat >/dev/null"
        sizes = [s for s in EXEC_SIZES if self.wanted(title, report.bytes_text(s))]
        if sizes:
            report.head(title, report.THROUGHPUT)
        for size in sizes:
            contenders = {"cat >/dev/null": CatToNull()}
            for language, command in EXEC_PROGRAMS.items():
                for name, program in self.hubs.items():
                    contenders[f"{name}, {language}"] = ExecHub(program, command)
            self.side_by_side(title, report.bytes_text(size), contenders, Load(size, BATCH if size < BATCH else 0))

    def neighbours(self):
        title = "Nine handlers that count, beside a tenth that counts, too, is away, wedged or crashes, 128 B"
        if not self.wanted(title):
            return
        report.head(title, report.THROUGHPUT)
        contenders = {}
        for what, tenth in NEIGHBOURS.items():
            for name, program in self.hubs.items():
                contenders[what if len(self.hubs) == 1 else f"{name}: {what}"] = TenHub(program, tenth)
        # So many that the half second after which a handler is away is a part of it only.
        self.side_by_side(title, "128 B", contenders, Load(128, BATCH), FILE_MOST, least=1_800_000)

    def powers(self):
        title = "What plugins can do, against cat >/dev/null, 128 B"
        wanted = [what for what in POWERS if self.wanted(title, what)]
        if not wanted:
            return
        report.head(title, report.THROUGHPUT)
        contenders = {"cat >/dev/null": CatToNull()}
        for what in wanted:
            kind, plugin = POWERS[what]
            for name, program in self.hubs.items():
                contenders[what if len(self.hubs) == 1 else f"{name}: {what}"] = kind(program, plugin)
        self.side_by_side(title, "128 B", contenders, Load(128, BATCH))

    def rivals(self):
        title = "Beside what Debian packages, 128 B"
        if not self.wanted(title, *RIVALS) or (self.options.quick and not self.options.only):
            return
        report.head(title, report.THROUGHPUT)
        contenders = {"cat": Middle()} | {name: Hub(program) for name, program in self.hubs.items()}
        for name, rival in RIVALS.items():
            if is_there(rival):
                contenders[name] = rival()
            else:
                report.not_installed("128 B", name, rival.package)
        self.side_by_side(title, "128 B", contenders, Load(128, BATCH))

    def side_by_side(self, title, row, contenders, load, bytes_most=1 << 40, least=64):
        """Rows of a table. The order turns each round, so that nobody always comes after the same one."""
        loads = {}
        for name, middle in contenders.items():
            loads[name] = self.attempt(f"{title}, {row}, {name}", lambda: self.fitting(middle, load, bytes_most, least))
        names = [n for n in contenders if loads[n]]
        results = {n: [] for n in names}
        for turn in range(self.options.rounds):
            at = turn % max(len(names), 1)
            for name in names[at:] + names[:at]:
                found = self.attempt(f"{title}, {row}, {name}", lambda: measure.measure(contenders[name], loads[name]))
                results[name].append(found)
        self.passed += sum(None not in r for r in results.values())
        self.bars += [b for b in report.rows(title, row, results, list(self.hubs)) if not isinstance(contenders[b[2]], Nothing)]

    def fitting(self, middle, load, bytes_most, least):
        """So many messages that a measurement takes about the time asked for. The way there warms up and compares every byte."""
        both = 2 * load.run  # so many go to both destinations alike
        load = dataclasses.replace(load, whole=True, count=both * -(-max(16, min(1000, (4 << 20) // load.message)) // both))
        while True:
            rate = measure.measure(middle, load).rate
            if self.options.smoke or load.count / rate > self.options.seconds / 8:
                break
            load.count *= 4
        if not self.options.smoke:
            load.count = min(max(int(rate * self.options.seconds), least), bytes_most // load.message) // both * both
        return dataclasses.replace(load, whole=False)

    def attempt(self, what, act):
        try:
            return act()
        except Failed as failure:
            self.failures.append(f"{what}: {failure}")
            report.failed(what, failure)
            return None

    # ---- parts of the router, apart

    def metadata(self):
        """A log with a metadata block before every batch, beside one without. The program lies beside the hub's."""
        if not self.wanted("Metadata"):
            return
        report.head("Metadata: a log with a block before every batch of 64 KiB, against one without", report.MEASURED)
        for name, program in self.hubs.items():
            bench = os.path.join(os.path.dirname(program), "bench_log")
            if not os.path.exists(bench):
                report.measured(name, "bench_log is not beside it", "left out")
                continue
            for size, meta in META_SIZES:
                self.attempt(f"metadata, {size} B", lambda: self.metadata_of(name, bench, size, meta))

    def metadata_of(self, name, bench, size, meta):
        command = [bench, str(size), str(meta), "0.01" if self.options.smoke else str(self.options.seconds * self.options.rounds)]
        try:
            without, described = map(float, subprocess.check_output(command, timeout=measure.PATIENCE).split())
        except (subprocess.SubprocessError, ValueError) as error:
            raise Failed(str(error)) from error
        rates = f"{described / 1e6:.1f} of {without / 1e6:.1f} M messages/s"
        report.measured(name, f"{size} B, with a key of {meta} B", f"{described / without:.2f}x ({rates})")
        self.passed += 1

    def matching(self):
        """Matching alone, beside what filters lines of JSON. The program lies beside the hub's."""
        title = "Matching alone, one core"
        if not self.wanted(title):
            return
        report.head(title, report.MEASURED)
        for name, program in self.hubs.items():
            bench = os.path.join(os.path.dirname(program), "bench_match")
            if os.path.exists(bench):
                self.attempt("matching", lambda: self.matching_of(name, bench))
            else:
                report.measured(name, "bench_match is not beside it", "left out")
        lines = "1 condition, lines of 300 B of JSON"
        for name, condition in SYSLOG_NG_FILTERS.items():
            if is_there(SyslogNg):
                self.attempt(f"matching, {name}", lambda: self.filtered(name, lines, lambda place, count: syslog_ng_filter(place, condition, count)))
            else:
                report.measured(name, lines, f"not installed ({SyslogNg.package})")
        for name, command in FILTERS.items():
            if shutil.which(command[0]):
                self.attempt(f"matching, {name}", lambda: self.filtering(name, command))
            else:
                report.measured(name, "1 condition, lines of 300 B of JSON", "not installed")

    def matching_of(self, name, bench):
        seconds = "0.001" if self.options.smoke else str(self.options.seconds)
        try:
            said = subprocess.check_output([bench, seconds], timeout=measure.PATIENCE, text=True)
        except subprocess.SubprocessError as error:
            raise Failed(str(error)) from error
        for line in said.splitlines():
            report.measured(name, *line.split("\t"))
        self.passed += 1

    def filtering(self, name, command):
        def run(place, count):
            with open(place / "lines") as lines:
                began = time.monotonic()
                found = subprocess.run(command, stdin=lines, capture_output=True, timeout=measure.PATIENCE).stdout
            return time.monotonic() - began, found.count(b"\n")

        self.filtered(name, "1 condition, lines of 300 B of JSON", run)

    def filtered(self, name, what, run):
        """`run` takes one line out of `place / "lines"`: how long that took, and how many it found."""
        count = 1000 if self.options.smoke else 100_000
        with Place() as place:
            with open(place / "lines", "w") as lines:
                for i in range(count):
                    text = f'{{"type":"order","id":{i},"customer":{{"name":"c{i * 7}","country":"NO"}},"amount":{i % 5000}.50,"note":"'
                    lines.write(text + "x" * (297 - len(text)) + '"}\n')
            took, found = run(place, count)
        if found < 1:
            raise Failed(f"{name} found nothing")
        report.measured(name, what, f"{count / took / 1e6:.2f} M messages/s")
        self.passed += 1

    def routes(self):
        for title, (counts, kind, size, condition) in ROUTES.items():
            for name, program in self.hubs.items():
                if not self.wanted(title):
                    continue
                report.head(title if len(self.hubs) == 1 else f"{title}, {name}", report.THROUGHPUT)
                hubs = {f"{n:,} routes before": RoutedHub(program, n, condition) for n in counts}
                self.side_by_side(title, report.bytes_text(size), hubs, Load(size, BATCH, **{kind: True}))

    # ---- reload, latency, start, memory

    def reloads(self):
        title = "Reload: a source and its route come, or go; the pause is how long writers wait"
        if not self.wanted(title):
            return
        report.head(title, report.MEASURED)
        for name, program in self.hubs.items():
            for sources in (10, 20 if self.options.smoke else 1000):
                self.attempt(f"reload, {sources} sources", lambda: self.reload_of(name, program, sources))

    def reload_of(self, name, program, sources):
        def routes(count):
            return "{ from: [" + ", ".join(f"s{i}" for i in range(count)) + "], to: out }"

        def fifos(count):
            return ", ".join(f"s{i}: {{ fifo: s{i} }}" for i in range(count))

        said = []
        with Place("out") as place, hub(program, place, Hub.handlers, routes(sources), fifos(sources)):
            config = place / "hub.yaml"
            with open(config) as file:
                fewer = file.read()
            more = fewer.replace(routes(sources), routes(sources + 1)).replace(fifos(sources), fifos(sources + 1))
            for text in [more, fewer] * (self.options.rounds + 1):
                with open(config, "w") as file:
                    file.write(text)
                command = [program, "reload", "--json", config]
                said.append(json.loads(subprocess.check_output(command, timeout=measure.PATIENCE)))
        for what, key in (("paused", "paused_ms"), ("from the request to the end", "took_ms")):
            times = sorted(one[key] for one in said[2:])  # the first two warm up
            report.measured(name, f"{sources} sources, {what}", f"{statistics.median(times):.1f} ms ({times[0]:.1f}-{times[-1]:.1f})")
        self.passed += 1

    # ---- latency

    def latency(self):
        contenders = {"raw pipe echo": Echo()} | {name: Hub(program) for name, program in self.hubs.items()}
        contenders |= {"raw pipe echo, cat flooded beside it": FloodedEcho()}
        contenders |= {f"{name}, another source flooded": FloodedHub(program) for name, program in self.hubs.items()}
        rates = [r for r in (1000, 100_000) if self.wanted("Latency", f"{r:,}/s")]
        if rates:
            report.head("Latency, 128 B, microseconds from when a frame was due", report.LATENCY)
        for rate in rates:
            found = {name: [] for name in contenders}
            for _ in range(self.options.rounds):
                for name, middle in contenders.items():
                    found[name].append(self.attempt(f"latency, {name}", lambda: self.latency_of(middle, rate)))
            self.passed += sum(None not in runs for runs in found.values())
            report.latencies(rate, {name: [r for r in runs if r] for name, runs in found.items()})

    def latency_of(self, middle, rate):
        count = 200 if self.options.smoke else int(rate * max(self.options.seconds, 0.3))
        with Place(*middle.fifos) as place, middle.start(place, Load(128, 0)):
            command = [LOAD, "latency", place / "in", place / "out", "128", str(rate), str(count)]
            try:
                return [float(x) for x in subprocess.check_output(command, timeout=measure.PATIENCE).split()]
            except subprocess.SubprocessError as error:
                raise Failed(str(error)) from error

    def start_and_memory(self):
        if not self.wanted("Start and memory"):
            return
        report.head("Start and memory", report.MEASURED)
        for name, program in self.hubs.items():
            for sources in (1, 20 if self.options.smoke else 1000):
                self.attempt(f"start, {sources} sources", lambda: self.start_of(name, program, sources))
            self.attempt("memory after a flow", lambda: self.loaded(name, program))

    def start_of(self, name, program, sources):
        fifos = ", ".join(f"s{i}: {{ fifo: s{i} }}" for i in range(sources))
        route = "{ from: [" + ", ".join(f"s{i}" for i in range(sources)) + "], to: out }"
        with Place("out") as place:
            began = time.monotonic()
            with hub(program, place, Hub.handlers, route, fifos) as child:
                report.measured(name, f"from start to `ready`, {sources} sources", f"{(time.monotonic() - began) * 1e3:.0f} ms")
                self.memory_of(name, f"{sources} sources, at rest", child)
        self.passed += 1

    def loaded(self, name, program):
        """With the memory that a flow has touched: as many frames as a second or so brings."""
        middle, load = Hub(program), Load(128, BATCH, 20_000 if self.options.smoke else 4_000_000)
        with Place(*middle.fifos) as place, middle.start(place, load) as child, middle.far_end(place, load, child) as far:
            with measure.running(middle.writer(place, load), stdout=subprocess.DEVNULL):
                far.mark()
                far.end()
            self.memory_of(name, "1 source, after a flow of 128 B frames", child)
        self.passed += 1

    def memory_of(self, name, when, child):
        private, proportional = measure.memory(child.pid)
        report.measured(name, f"private memory, {when}", f"{private / 2**20:.1f} MiB (PSS {proportional / 2**20:.1f} MiB)")


def machine():
    model = re.search(r"^model name\s*: (.*)$", open("/proc/cpuinfo").read(), re.M)
    return f"{model.group(1) if model else platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}"


def arguments():
    parser = argparse.ArgumentParser(prog="sh tests/bench/run.sh", description=__doc__)
    parser.add_argument("seconds", nargs="?", type=float, default=0.5, help="of one measurement, about (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each (default %(default)s)")
    parser.add_argument("--quick", action="store_true", help="about a minute, for a developer: no rivals, 3 short rounds")
    parser.add_argument("--smoke", action="store_true", help="that the bench works; measures nothing; ends with a count")
    parser.add_argument("--bin", action="append", metavar="[NAME=]PATH", help="a standpipe to measure; twice for two side by side")
    parser.add_argument("--only", metavar="REGEX", help="only what this is found in: 'Pass.*128 B', Latency, Two, nng")
    parser.add_argument("--picture", default="bench.svg", help="where to draw it (default %(default)s)")
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.rounds = min(options.seconds, 0.15), 3
    if options.smoke:
        options.rounds, options.picture = 1, f"{os.path.splitext(options.picture)[0]}-smoke.svg"
        SIZES[:] = [16, 128, 1 << 20]
        TEXT_SIZES[:] = DEVICE_SIZES[:] = [300]
        QUEUE_SIZES[:] = EXEC_SIZES[:] = [128]
    return options


def hubs_of(options):
    found = {}
    for i, text in enumerate(options.bin):
        name, _, path = text.rpartition("=")
        found[name or ("standpipe" if len(options.bin) == 1 else f"standpipe {'ABCDEFGH'[i]}")] = os.path.abspath(path)
    return found


def main():
    options = arguments()
    hubs = hubs_of(options)
    os.environ["LOAD_PIPE"] = str(measure.PIPE)
    print(f"`sh tests/bench/run.sh {' '.join(sys.argv[1:])}`: {options.rounds} rounds of {options.seconds:g} s, on {machine()}")
    print(f"FIFOs of {report.bytes_text(measure.PIPE)}; load average before: {os.getloadavg()[0]:.2f}")
    for name, path in hubs.items():
        print(f"{name}: {path}")
    bench = Bench(options, hubs)
    for part in (bench.throughput, bench.texts, bench.devices, bench.queues, bench.isolation, bench.programs, bench.neighbours, bench.powers, bench.rivals, bench.routes, bench.metadata, bench.matching, bench.reloads, bench.latency, bench.start_and_memory):
        part()
    if bench.bars:
        print(f"\npicture: {report.picture(options.picture, bench.bars, list(hubs), machine())}")
    for failure in bench.failures:
        print(f"FAILED {failure}")
    print(f"\n{bench.passed} passed, {len(bench.failures)} failed")
    sys.exit(1 if bench.failures else 0)


if __name__ == "__main__":
    main()
