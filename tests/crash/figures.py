# SPDX-License-Identifier: Apache-2.0
"""What a hub's two processes use, sampled while it works: it must be the same in the last quarter of a run as in the first."""

import collections
import os
import pathlib
import re
import statistics

from actor import Actor
from killer import worker_of

MiB = 1 << 20
Kind = collections.namedtuple("Kind", "name unit may_grow")

# How much more the last quarter's median may be: noise, not a leak. A worker's memory depends on how long it has lived, and
# its thread that writes dead letters begins with the first one of its life.
KINDS = [
    Kind("keeper: private memory", MiB, 1 * MiB),
    Kind("keeper: descriptors", 1, 2),
    Kind("keeper: threads", 1, 0),
    Kind("worker: private and shared memory", MiB, 4 * MiB),
    Kind("worker: descriptors", 1, 3),
    Kind("worker: threads", 1, 1),
    Kind("memory that outlives the worker", MiB, 4 * MiB),
]


class Figures(Actor):
    def __init__(self, hub, seconds):
        super().__init__()
        self.hub, self.pause, self.samples = hub, min(5, max(0.2, seconds / 100)), []
        self.start()

    def turn(self):
        keeper, worker = self.hub.process.pid, worker_of(self.hub.process.pid)
        try:
            if worker != keeper:
                self.samples.append([*_of_process(keeper), *_of_process(worker), _memory_file(keeper)])
        except (OSError, TypeError):
            pass  # that worker has just died
        self.told.wait(self.pause)


def table(samples):
    yield f"{'medians of ' + str(len(samples)) + ' samples':<36}{'first quarter':>15}{'last quarter':>15}{'most':>10}"
    for kind, first, last, most in _rows(samples):
        yield f"{kind.name:<36}" + "".join(f"{_shown(n, kind):>{w}}" for n, w in ((first, 15), (last, 15), (most, 10)))


def grown(samples):
    """What is not flat."""
    if len(samples) < 8:
        return ["too few samples"]
    return [
        f"{kind.name}: {_shown(last, kind)} in the last quarter, {_shown(first, kind)} in the first"
        for kind, first, last, _ in _rows(samples)
        if last > first + kind.may_grow
    ]


def _rows(samples):
    quarter = max(1, len(samples) // 4)
    for kind, column in zip(KINDS, zip(*samples)):
        yield kind, statistics.median(column[:quarter]), statistics.median(column[-quarter:]), max(column)


def _shown(number, kind):
    return f"{number / MiB:.1f} MiB" if kind.unit == MiB else f"{number:g}"


def _of_process(pid):
    """(memory, descriptors, threads); without shared memory for a keeper, which maps what it holds but does not work in it."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    field = {k: int(n) for k, n in re.findall(r"^(RssAnon|RssShmem|Threads):\s+(\d+)", status, re.MULTILINE)}
    return (field["RssAnon"] + field["RssShmem"]) * 1024, len(os.listdir(f"/proc/{pid}/fd")), field["Threads"]


def _memory_file(keeper):
    """What the pages of the largest memfd take."""
    sizes = []
    for fd in os.scandir(f"/proc/{keeper}/fd"):
        if os.readlink(fd.path).startswith("/memfd:"):
            sizes.append(os.stat(fd.path).st_blocks * 512)
    return max(sizes)
