# SPDX-License-Identifier: Apache-2.0
"""The hub beside others on the same work: pairs interleaved, medians and spread, content checked. See run.sh."""

import contextlib
import os
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = 5
SIZES = [16, 128, 1024, 65536, 1 << 20]
HEADER = 4
TICK = os.sysconf("SC_CLK_TCK")

STANDPIPE, LOAD, SECONDS = sys.argv[1], sys.argv[2], float(sys.argv[3])


class Place:
    """A folder with the FIFOs of one measurement."""

    def __init__(self, *fifos):
        self.folder = tempfile.mkdtemp(prefix="standpipe-bench-")
        for name in fifos:
            os.mkfifo(self / name)

    def __truediv__(self, name):
        return os.path.join(self.folder, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def private_memory(pid):
    text = open(f"/proc/{pid}/smaps_rollup").read()
    return sum(int(n) for n in re.findall(r"^Private_(?:Clean|Dirty):\s+(\d+) kB", text, re.M)) * 1024


@contextlib.contextmanager
def running(command, **how):
    child = subprocess.Popen(command, **how)
    try:
        yield child
    finally:
        child.terminate()
        child.wait()


@contextlib.contextmanager
def hub(place, handlers, routes, source=""):
    path = place / "hub.yaml"
    with open(path, "w") as file:
        file.write(f"sources: {{ in: {{ fifo: in{source} }} }}\nhandlers: {handlers}\nroutes: {routes}\nunmatched: drop\n")
    with open(place / "hub.err", "w+") as err:
        with running([STANDPIPE, "run", path], stderr=err, stdout=subprocess.DEVNULL) as child:
            while "ready" not in open(place / "hub.err").read():
                assert child.poll() is None, open(place / "hub.err").read()
                time.sleep(0.002)
            yield child
        said = open(place / "hub.err").read()
        assert "account closes" in said, said


def forward(place):
    return hub(place, "{ out: { plugin: forward, options: { fifo: out } } }", "[{ from: in, to: out }]", MILLION)


MILLION = ", framing: { max_message_size: 2MiB }, log: { max_size: 4MiB }"


def cat(place):
    return running(["sh", "-c", 'exec cat <"$0" >"$1"', place / "in", place / "out"])


def raw_echo(place):
    return running([LOAD, "echo", place / "in", place / "out"])


def socat(place):
    return running(["socat", "-u", "-b", "65536", place / "in", place / "out"])


def move(middle, size, count, call, outs=("out",), take=False):
    """Frames through `middle`; returns (frames a second, CPU seconds of the middle for a million frames)."""
    with Place("in", *outs) as place, middle(place) as child:
        readers = [
            subprocess.Popen(
                [LOAD, "take", place / o, str(count * (HEADER + size) // len(outs))]
                if take
                else [LOAD, "read", place / o, str(size), str(count)],
                stdout=subprocess.PIPE,
                text=True,
            )
            for o in outs
        ]
        before = cpu_seconds(child.pid)
        writer = subprocess.Popen([LOAD, "write", place / "in", str(size), str(count), str(call)], stdout=subprocess.PIPE, text=True)
        ends = [float(r.communicate(timeout=120)[0]) for r in readers]
        start = float(writer.communicate(timeout=120)[0])
        used = cpu_seconds(child.pid) - before
    return count / (max(ends) - start), used / count * 1e6


def count_for(measure, *args):
    """So many frames that a measurement takes about SECONDS."""
    count = 2000
    rate, _ = measure(count)
    while count / rate < SECONDS / 10:
        count *= 4
        rate, _ = measure(count)
    return max(int(rate * SECONDS), 100)


def side_by_side(name, contenders, count, measure):
    """Rows of a table: each contender's median rate and spread, and its ratio to the first one, pair by pair."""
    rates = {c: [] for c in contenders}
    cpu = {c: [] for c in contenders}
    for _ in range(ROUNDS):
        for c, middle in contenders.items():
            rate, used = measure(middle, count)
            rates[c].append(rate)
            cpu[c].append(used)
    first = next(iter(contenders))
    for c in contenders:
        ratio = statistics.median(a / b for a, b in zip(rates[c], rates[first]))
        used = statistics.median(cpu[c])
        base = statistics.median(cpu[first])
        print(
            f"| {name} | {c} | {human(statistics.median(rates[c]))} | {human(min(rates[c]))}-{human(max(rates[c]))} "
            f"| {ratio:.2f}x | {used:.3f} | {f'{used / base:.2f}x' if base else '-'} |",
            flush=True,
        )


def human(n):
    return f"{n / 1e6:.2f}M" if n >= 1e6 else f"{n / 1e3:.1f}k" if n >= 1e3 else f"{n:.0f}"


def head(title, columns):
    print(f"\n### {title}\n\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}", flush=True)


def throughput():
    columns = ["work", "by", "frames/s, median", "spread", "against the first", "CPU s a million frames", "CPU against the first"]
    head("Pass-through, pipe to pipe", columns)
    for size in SIZES:
        for call, how in ((65536, "64 KiB a write"), (0, "a frame a write")):
            if call and size >= call:
                continue
            contenders = {"cat": cat, "standpipe": forward}
            if size == 128 and call:
                contenders.update({"socat": socat})
            one = lambda middle, count: move(middle, size, count, call)
            side_by_side(f"{size} B, {how}", contenders, count_for(lambda n: one(cat, n)), one)

    head("Other work, 128 B, 64 KiB a write", columns)
    sink = {"cat >/dev/null": lambda p: running(["sh", "-c", 'exec cat <"$0" >/dev/null', p / "in"])}
    to_end = lambda middle, count: drain(middle, 128, count, 65536)
    n = count_for(lambda k: to_end(sink["cat >/dev/null"], k))
    side_by_side("log to a file (frames, sync: never)", {**file_sink(), "standpipe": log_hub}, n // 2, to_end)
    both = lambda middle, count: move(middle, 128, count, 65536, ("out",) if middle is cat else ("a", "b"), middle is not cat)
    side_by_side("two destinations by content, alternating", {"cat": cat, "standpipe": split_hub}, n // 4 * 2, both)


def file_sink():
    return {"cat >file": lambda p: running(["sh", "-c", 'exec cat <"$0" >"$1"', p / "in", p / "file"])}


def log_hub(place):
    return hub(place, "{ file: { plugin: log, options: { path: file, format: frames, sync: never } } }", "[{ from: in, to: file }]")


def split_hub(place):
    return hub(
        place,
        "{ a: { plugin: forward, options: { fifo: a } }, b: { plugin: forward, options: { fifo: b } } }",
        "[{ from: in, to: a, match: { text: { suffix: a } } }, { from: in, to: b, match: { text: { suffix: b } } }]",
    )


def drain(middle, size, count, call):
    """Into a file or nothing: the end is when the middle has taken all, seen by the file's size or by its FIFO being empty."""
    with Place("in") as place, middle(place) as child:
        before = cpu_seconds(child.pid)
        writer = subprocess.Popen([LOAD, "write", place / "in", str(size), str(count), str(call)], stdout=subprocess.PIPE, text=True)
        start = float(writer.communicate(timeout=120)[0])
        whole = count * (HEADER + size)
        while os.path.exists(place / "file") and os.path.getsize(place / "file") < whole:
            time.sleep(0.0005)
        end = time.monotonic()
        used = cpu_seconds(child.pid) - before
    return count / (end - start), used / count * 1e6


def latencies():
    head("Latency, 128 B, microseconds from when a frame was due", ["rate", "by", "p50", "p99", "p99.9"])
    for rate in (1000, 100_000):
        found = {"read and write": [], "standpipe": []}
        for _ in range(3):
            for name, middle in (("read and write", raw_echo), ("standpipe", forward)):
                with Place("in", "out") as place, middle(place):
                    command = [LOAD, "latency", place / "in", place / "out", "128", str(rate), str(int(rate * max(SECONDS, 1)))]
                    found[name].append([float(x) for x in subprocess.check_output(command, timeout=120).split()])
        for name, runs in found.items():
            p = [statistics.median(r[i] for r in runs) for i in range(3)]
            print(f"| {rate:,}/s | {name} | {p[0]:.1f} | {p[1]:.1f} | {p[2]:.1f} |", flush=True)


def start_and_memory():
    head("Start and memory", ["what", "measured"])
    for sources in (1, 1000):
        with Place() as place:
            names = ", ".join(f"s{i}: {{ fifo: s{i} }}" for i in range(sources))
            every = "[" + ", ".join(f"s{i}" for i in range(sources)) + "]"
            with open(place / "hub.yaml", "w") as file:
                file.write(f"sources: {{ {names} }}\nhandlers: {{ out: {{ plugin: forward, options: {{ fifo: out }} }} }}\n")
                file.write(f"routes: [{{ from: {every}, to: out }}]\n")
            began = time.monotonic()
            with running([STANDPIPE, "run", place / "hub.yaml"], stderr=subprocess.PIPE, text=True) as child:
                for line in child.stderr:
                    if "ready" in line:
                        break
                print(f"| from start to `ready`, {sources} sources | {(time.monotonic() - began) * 1e3:.0f} ms |")
                print(f"| private memory, {sources} sources, at rest | {private_memory(child.pid) / 2**20:.1f} MiB |", flush=True)


def machine():
    model = re.search(r"^model name\s*: (.*)$", open("/proc/cpuinfo").read(), re.M)
    return f"{model.group(1) if model else platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}"


signal.signal(signal.SIGPIPE, signal.SIG_DFL)
print(f"`sh tests/bench/run.sh {SECONDS:g}`, {ROUNDS} rounds, on {machine()}")
throughput()
latencies()
start_and_memory()
