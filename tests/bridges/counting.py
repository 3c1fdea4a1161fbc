# SPDX-License-Identifier: Apache-2.0
"""A handler that does next to nothing, for the benchmarks of bridges: it counts, as the bare programs do that they are compared with."""

import contextlib
import os
import pathlib
import select
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PATIENCE = 100  # seconds until it has all


def build(folder):
    how = ["-std=c++20", "-O2", "-shared", "-fPIC", "-fvisibility=hidden", f"-Wl,--version-script={ROOT / 'sdk/plugin.map'}", "-Wl,-z,nodelete"]
    source = ROOT / "tests/bench/counter.cpp"
    subprocess.run(["c++", *how, "-isystem", ROOT / "sdk/include", "-o", folder / "counter.so", source], check=True)


@contextlib.contextmanager
def counter(folder, count, how=""):
    """Yields the handler, to be written into a configuration, and what waits until it has `count` messages and gives the seconds from
    the first one to the last. `how`: more of its keys."""
    path = folder / "said"
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as fifo:
        handler = f"{{plugin: {folder / 'counter.so'}, options: {{messages: {count}, warm: 1, say: {path}}}{how}}}"
        yield handler, lambda: seconds(fifo, count)


def seconds(fifo, count):
    lines, deadline = b"", time.monotonic() + PATIENCE
    while lines.count(b"\n") < 3:  # mark, end, counted
        assert time.monotonic() < deadline, f"the counter said only {lines}"
        if select.select([fifo], [], [], 0.1)[0]:
            lines += fifo.read() or b""
    said = dict(line.split(b" ", 1) for line in lines.splitlines())
    assert int(said[b"counted"].split()[0]) == count, lines
    return float(said[b"end"]) - float(said[b"mark"])


def hubs_of(paths):
    """Programs by name, of what --bin said: [NAME=]PATH, any number of times."""
    found = {}
    for i, text in enumerate(paths):
        name, _, path = text.rpartition("=")
        found[name or ("hub" if len(paths) == 1 else f"hub {'ABCDEFGH'[i]}")] = pathlib.Path(path).resolve()
    return found
