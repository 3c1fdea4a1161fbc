# SPDX-License-Identifier: Apache-2.0
"""One measurement: a middle is started, messages go through it, and what lies between `mark` and `end` is counted.

The mark comes after the first eighth of the messages: by then processes are started, files are open, memory is touched and pipes
are full. What is watched is the far end (a reader, a file's size, the plugin), not the writer, which runs ahead by what pipes hold.
"""

import contextlib
import dataclasses
import os
import re
import select
import shutil
import subprocess
import tempfile
import time

HEADER = 4
PIPE = 1 << 20  # the largest that an ordinary user may have; a middle may grow a FIFO, so only the largest is equal for all
PATIENCE = 60  # seconds without a word from the far end


class Failed(Exception):
    """The measurement is void: something was lost, changed or late, or a program ended."""


@dataclasses.dataclass
class Load:
    size: int  # bytes of payload, or of a line
    call: int  # bytes a write, 0: one message a write
    count: int = 0
    run: int = 1  # so many messages in a row for one destination
    lines: bool = False
    texts: bool = False  # frames whose payload is text
    devices: bool = False  # frames whose payload is JSON of a hundred devices in turn
    jsons: bool = False  # frames whose payload is a JSON document
    whole: bool = False  # compare every byte, not only the heads

    @property
    def message(self):
        return self.size if self.lines else HEADER + self.size

    @property
    def warm(self):
        return max(2, self.count // 16 * 2)  # even: half of it for each of two destinations

    def stream(self, only="all"):
        kind = "lines" if self.lines else "texts" if self.texts else "devices" if self.devices else "jsons" if self.jsons else "frames"
        return f"{kind}:{self.size}:{self.run}:{only}"

    def check(self):
        # For small messages, comparing all is cheaper than finding their heads.
        return "whole" if self.whole or self.size < 256 else "heads"


@dataclasses.dataclass
class Result:
    rate: float  # messages a second
    cpu: float  # seconds of the middle's CPU for a million messages


class Place:
    """A folder for one measurement. In memory if there is room, unless the disk is what is measured: files on it depend on its mood."""

    def __init__(self, *fifos, on_disk=False):
        roomy = os.path.isdir("/dev/shm") and shutil.disk_usage("/dev/shm").free > 1 << 30
        self.folder = tempfile.mkdtemp(prefix="standpipe-bench-", dir="/var/tmp" if on_disk else "/dev/shm" if roomy else None)
        for name in fifos:
            os.mkfifo(self / name)

    def __truediv__(self, name):
        return os.path.join(self.folder, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)


@contextlib.contextmanager
def running(command, **how):
    """Ends what it started, whatever happens; a program that was told to end and does not is killed."""
    child = subprocess.Popen([str(c) for c in command], **how)
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if child.stdout:
            child.stdout.close()


# ---- what the system says of a process and its children (a keeper's worker, a server's helpers)


def tree(pid):
    parents = {}
    for other in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{other}/stat") as file:
            parents[int(other)] = int(file.read().rsplit(")", 1)[1].split()[1])
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def cpu_seconds(pids):
    """To the nanosecond, from the scheduler: the usual /proc/PID/stat counts in hundredths of a second."""
    used = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/schedstat") as file:
                    used += int(file.read().split()[0])
    return used / 1e9


def memory(pid):
    """(private bytes, proportional bytes) of a process and its children."""
    totals = [0, 0]
    for one in tree(pid):
        with open(f"/proc/{one}/smaps_rollup") as file:
            text = file.read()
        for i, kind in enumerate((r"Private_(?:Clean|Dirty)", "Pss")):
            totals[i] += sum(int(n) for n in re.findall(rf"^{kind}:\s+(\d+) kB", text, re.M)) * 1024
    return totals


# ---- far ends: each says when the mark was passed, and when all was through


class Lines:
    """What a program or a plugin says, one word and one number a line."""

    def __init__(self, stream):
        self.fd = stream if isinstance(stream, int) else stream.fileno()
        self.rest = b""

    def next(self, word):
        deadline = time.monotonic() + PATIENCE
        while b"\n" not in self.rest:
            poll = select.poll()
            poll.register(self.fd, select.POLLIN)
            if not poll.poll(max(0, deadline - time.monotonic()) * 1000):
                raise Failed(f"no '{word}' within {PATIENCE} s")
            got = os.read(self.fd, 4096)
            if not got:
                raise Failed(f"ended before it said '{word}'")
            self.rest += got
        line, self.rest = self.rest.split(b"\n", 1)
        said, *numbers = line.decode().split()
        if said != word:
            raise Failed(f"said '{line.decode()}' instead of '{word}'")
        return [float(n) for n in numbers]


class Readers:
    """Programs that read and check; the last one counts."""

    def __init__(self, commands, pipes=True):
        self.commands, self.pipes = commands, pipes

    def __enter__(self):
        self.stack = contextlib.ExitStack()
        children = [self.stack.enter_context(running(c, stdout=subprocess.PIPE)) for c in self.commands]
        self.lines = [Lines(c.stdout) for c in children]
        return self

    def __exit__(self, *_):
        self.stack.close()

    def mark(self):
        return max(line.next("mark")[0] for line in self.lines)

    def end(self):
        end = max(line.next("end")[0] for line in self.lines)
        for line in self.lines if self.pipes else []:
            check_pipe(line)
        return end


def check_pipe(lines):
    (size,) = lines.next("pipe")
    if size != PIPE:
        raise Failed(f"a FIFO of {int(size)} bytes, not {PIPE}: the measurements are not comparable")


def measure(middle, load):
    """`middle` is one of middles.py."""
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(Place(*middle.fifos, on_disk=middle.on_disk))
        child = stack.enter_context(middle.start(place, load))
        pids = tree(child.pid)
        far = stack.enter_context(middle.far_end(place, load, child))
        writer = stack.enter_context(running(middle.writer(place, load), stdout=subprocess.PIPE))
        if middle.knows_writer:
            far.writer = Lines(writer.stdout)
        mark = far.mark()
        before = cpu_seconds(pids)
        end = far.end()
        used = cpu_seconds(pids) - before
        if middle.writer_has_pipe:
            check_writer(writer, far)
        middle.check(place, load)
    done = load.count - load.warm
    return Result(done / (end - mark), used / done * 1e6)


def check_writer(writer, far):
    lines = getattr(far, "writer", None) or Lines(writer.stdout)
    if not hasattr(far, "writer"):
        lines.next("mark")
    check_pipe(lines)
