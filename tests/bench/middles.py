# SPDX-License-Identifier: Apache-2.0
"""What stands between the writer and the far end: the hub in its configurations, cat, and the rivals."""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

from measure import PATIENCE, Failed, Lines, Readers, running

HERE = pathlib.Path(__file__).resolve().parent
TOOLS = pathlib.Path(os.environ.get("STANDPIPE_BENCH_TOOLS", HERE.parent.parent / "build/bench"))
LOAD = TOOLS / "load"
OUTS = (("out", "all"),)
SPLIT = (("a", "a"), ("b", "b"))


class Middle:
    """`cat`, and what others have in common with it: a FIFO on each side, the load's writer, the load's readers."""

    needs = "cat"
    outs = OUTS
    knows_writer = False
    writer_has_pipe = True
    on_disk = False  # where its folder lies: else in memory

    @property
    def fifos(self):
        return ["in", *(name for name, _ in self.outs)]

    def start(self, place, load):
        return shell('exec cat <"$0" >"$1"', place / "in", place / "out")

    def far_end(self, place, load, child):
        share = len(self.outs)
        count = [str(load.count // share), str(load.warm // share), load.check()]
        return Readers([[LOAD, "read", place / name, load.stream(only), *count] for name, only in self.outs])

    def writer(self, place, load):
        return [LOAD, "write", place / "in", load.stream(), load.count, load.warm, load.call]

    def check(self, place, load):
        """What the far end did not check."""


def shell(script, *arguments):
    return running(["sh", "-c", script, *arguments])


class Nothing(Middle):
    """No middle at all: what the load generator itself can do."""

    fifos = ["out"]

    def start(self, place, load):
        return running(["sleep", "1000"])

    def writer(self, place, load):
        return [LOAD, "write", place / "out", load.stream(), load.count, load.warm, load.call]


# ---- the hub

SOURCE = "in: { fifo: in, log: { max_size: 4MiB } }"  # more than a FIFO of 1 MiB, so that a full FIFO is what wakes the hub


@contextlib.contextmanager
def hub(binary, place, handlers, routes, sources=SOURCE, output=os.devnull, drain="10s"):
    """Running and ready; at the end its account must close. `output`: where its standard output goes. `drain`: how long it waits
    at the end for readers, less where one is away on purpose."""
    path = place / "hub.yaml"
    with open(path, "w") as file:
        file.write(f"data_dir: state\ndrain_timeout: {drain}\n")
        file.write(f"sources: {{ {sources} }}\nhandlers: {{ {handlers} }}\nroutes: [{routes}]\nunmatched: drop\n")
    with open(place / "hub.err", "w+") as err, open(output, "w") as out:
        with running([binary, "run", path], stderr=err, stdout=out, stdin=subprocess.DEVNULL) as child:
            wait_for(lambda: "ready" in said(place), child, place)
            yield child
        if "account closes" not in said(place):
            raise Failed(f"the account does not close: {said(place)}")


def said(place):
    with open(place / "hub.err") as file:
        return file.read()


def wait_for(condition, child, place):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if child.poll() is not None or time.monotonic() > deadline:
            raise Failed(f"not ready: {said(place) if os.path.exists(place / 'hub.err') else child.args}")
        time.sleep(0.002)


class Hub(Middle):
    """The general path: where others may write to a FIFO nothing of it is relayed."""

    handlers = "out: { plugin: forward, options: { fifo: out } }"
    routes = "{ from: in, to: out }"
    mode = 0o622

    def __init__(self, binary):
        self.binary = binary

    def start(self, place, load):
        os.chmod(place / "in", self.mode)
        return hub(self.binary, place, self.handlers, self.routes)


class RelayHub(Hub):
    mode = 0o600


class SplitHub(Hub):
    outs = SPLIT
    handlers = "a: { plugin: forward, options: { fifo: a } }, b: { plugin: forward, options: { fifo: b } }"
    routes = "{ from: in, to: a, match: { text: { suffix: a } } }, { from: in, to: b, match: { text: { suffix: b } } }"


# ---- into a plugin, or nowhere


class CatToNull(Middle):
    """Its end of file is its end; the mark is the writer's, one FIFO ahead."""

    outs = ()
    knows_writer = True

    def start(self, place, load):
        return shell('exec cat <"$0" >/dev/null', place / "in")

    @contextlib.contextmanager
    def far_end(self, place, load, child):
        yield Exit(child)


class Exit:
    def __init__(self, child):
        self.child = child

    def mark(self):
        return self.writer.next("mark")[0]

    def end(self):
        os.waitid(os.P_PID, self.child.pid, os.WEXITED | os.WNOWAIT)  # not taken yet: its CPU time is still to be read
        return time.monotonic()


class CounterHub(Hub):
    outs = (("said", "all"),)
    routes = "{ from: in, to: counter }"
    how = ""  # more keys of the handler

    def start(self, place, load):
        options = f"messages: {load.count}, warm: {load.warm}, say: said"
        counter = f"counter: {{ plugin: {TOOLS / 'counter.so'}, options: {{ {options} }}{self.how} }}"
        # A FIFO for what the plugin says is opened before the plugin is: it must find a reader.
        self.said = os.open(place / "said", os.O_RDONLY | os.O_NONBLOCK)
        return hub(self.binary, place, counter, self.routes)

    @contextlib.contextmanager
    def far_end(self, place, load, child):
        with open(self.said, "rb", buffering=0) as file:
            yield Said(Lines(file), load)


class QueueHub(CounterHub):
    """Through a queue on disk: written, synced by its policy, read again, delivered."""

    on_disk = True

    def __init__(self, binary, sync):
        super().__init__(binary)
        self.how = f", queue: {{ type: disk, sync: {sync} }}"


class CounterIn(CounterHub):
    """The handler in a thread, or in a process of its own."""

    def __init__(self, binary, isolation):
        super().__init__(binary)
        self.how = f", isolation: {isolation}"


class ExecHub(CounterHub):
    """A program that counts as counter.so does, and answers for each message."""

    def __init__(self, binary, command):
        super().__init__(binary)
        self.command = command

    def start(self, place, load):
        words = ", ".join(json.dumps(str(w)) for w in [*self.command, load.count, load.warm, "said"])
        counter = f"counter: {{ plugin: exec, options: {{ command: [{words}] }} }}"
        self.said = os.open(place / "said", os.O_RDONLY | os.O_NONBLOCK)
        return hub(self.binary, place, counter, self.routes)


EXEC_PROGRAMS = {"C": [TOOLS / "program"], "Python": [sys.executable, HERE / "program.py"]}


class TenHub(Hub):
    """Ten handlers of one source: nine that count, the slowest of which is measured, and a tenth."""

    outs = tuple((f"said{i}", "all") for i in range(9))
    counts = ""  # the tenth counts as well
    away = "plugin: forward, options: { fifo: nobody }"
    wedged = f"plugin: {TOOLS / 'wedged.so'}"
    crasher = f"plugin: {TOOLS / 'crasher.so'}, isolation: process"

    def __init__(self, binary, tenth):
        super().__init__(binary)
        self.tenth = tenth

    def start(self, place, load):
        def counter(options):
            return f"plugin: {TOOLS / 'counter.so'}, options: {{ messages: {load.count}, warm: {load.warm}, say: {options} }}"

        self.said = [os.open(place / name, os.O_RDONLY | os.O_NONBLOCK) for name, _ in self.outs]
        return self.settled(place, load, counter)

    @contextlib.contextmanager
    def settled(self, place, load, counter):
        handlers = {f"c{i}": counter(f"said{i}") for i in range(9)} | {"tenth": self.tenth or counter("/dev/null")}
        routes = f"{{ from: in, to: [{', '.join(handlers)}] }}"
        how = ", ".join(f"{name}: {{ {how} }}" for name, how in handlers.items())
        with hub(self.binary, place, how, routes, drain="200ms") as child:
            time.sleep(0.6)  # a handler is away once its reader is for half a second
            yield child

    @contextlib.contextmanager
    def far_end(self, place, load, child):
        with contextlib.ExitStack() as stack:
            files = [stack.enter_context(open(fd, "rb", buffering=0)) for fd in self.said]
            yield Slowest([Said(Lines(file), load) for file in files])


class Slowest:
    def __init__(self, ends):
        self.ends = ends

    def mark(self):
        return max(end.mark() for end in self.ends)

    def end(self):
        return max(end.end() for end in self.ends)


class RoutedHub(CounterHub):
    """So many routes by content before one that takes all; each takes one message of the pattern."""

    def __init__(self, binary, count, condition):
        super().__init__(binary)
        routes = [f"{{ from: in, to: counter, match: {condition(i)}, final: true }}" for i in range(count)]
        self.routes = ",\n  ".join([*routes, CounterHub.routes])


class Said:
    def __init__(self, lines, load):
        self.lines, self.load = lines, load

    def mark(self):
        return self.lines.next("mark")[0]

    def end(self):
        (end,) = self.lines.next("end")
        expected = [self.load.count, self.load.count * self.load.size]
        counted = self.lines.next("counted")
        if counted != expected:
            raise Failed(f"counted {counted}, not {expected}")
        return end


def tallying(plugin, load):
    """A handler that counts so many messages, and says it."""
    return f"{{ plugin: {TOOLS / plugin}.so, options: {{ messages: {load.count}, warm: {load.warm}, say: said }} }}"


class PowerHub(CounterHub):
    """What a handler can do with messages; the last one of them counts."""

    def __init__(self, binary, plugin):
        super().__init__(binary)
        self.plugin = plugin

    def handlers_and_routes(self, place, load):
        return f"counter: {tallying(self.plugin, load)}", CounterHub.routes

    def start(self, place, load):
        self.said = os.open(place / "said", os.O_RDONLY | os.O_NONBLOCK)
        return hub(self.binary, place, *self.handlers_and_routes(place, load), *self.sources(place, load))

    def sources(self, place, load):
        return ()


class EmittingHub(PowerHub):
    """Another handler counts what it emits."""

    def handlers_and_routes(self, place, load):
        again = f"again: {{ plugin: {TOOLS / self.plugin}.so }}"
        return f"{again}, counter: {tallying('counter', load)}", "{ from: in, to: again }, { from: again, to: counter }"


class SourceHub(PowerHub):
    """Nobody writes: the messages are the source's, once it is told to begin."""

    writer_has_pipe = False

    @property
    def fifos(self):
        return ["said"]

    def handlers_and_routes(self, place, load):
        return f"counter: {tallying('counter', load)}", CounterHub.routes

    def sources(self, place, load):
        options = f"messages: {load.count}, size: {load.size}, begin: begin"
        return (f"in: {{ plugin: {TOOLS / self.plugin}.so, options: {{ {options} }}, log: {{ max_size: 4MiB }} }}",)

    def writer(self, place, load):
        return ["touch", place / "begin"]


POWERS = {
    "counts each message": (PowerHub, "each"),
    "counts batches": (PowerHub, "counter"),
    "emits each, another counts": (EmittingHub, "again"),
    "takes each, settles it from a thread": (PowerHub, "taker"),
    "a source that puts, another counts": (SourceHub, "maker"),
}


# ---- into a file


class CatToFile(Middle):
    outs = ()

    def start(self, place, load):
        return shell('exec cat <"$0" >"$1"', place / "in", place / "file")

    @contextlib.contextmanager
    def far_end(self, place, load, child):
        yield FileSize(place / "file", load)

    def check(self, place, load):
        command = [LOAD, "read", place / "file", load.stream(), load.count, load.warm, "whole"]
        if subprocess.run([str(c) for c in command], stdout=subprocess.DEVNULL).returncode != 0:
            raise Failed("the file is not what was sent")


class CatToDisk(CatToFile):
    on_disk = True


class FileSize:
    """Looks every millisecond: often enough for what takes hundreds."""

    def __init__(self, path, load, size_of=None):
        self.paths, self.load = path if isinstance(path, list) else [path], load
        self.size_of = size_of or (lambda messages: messages * load.message)

    def mark(self):
        return self.reached(self.size_of(self.load.warm))

    def end(self):
        return self.reached(self.size_of(self.load.count))

    def reached(self, size):
        deadline = time.monotonic() + PATIENCE
        while sum(os.path.getsize(path) for path in self.paths if os.path.exists(path)) < size:
            if time.monotonic() > deadline:
                raise Failed(f"{self.paths[0]} does not reach {size} bytes")
            time.sleep(0.001)
        return time.monotonic()


class LogHub(Hub):
    outs = ()
    handlers = "out: { plugin: log, options: { path: file, format: frames, sync: never } }"
    far_end = CatToFile.far_end
    check = CatToFile.check


# ---- into a file, as text


class TextHub(Hub):
    """Messages as lines in a file, by a handler that shapes each; the small run before the measured ones compares every one."""

    outs = ()
    routes = "{ from: in, to: out }"

    def __init__(self, binary, handler, is_json):
        super().__init__(binary)
        self.handlers, self.is_json = f"out: {{ {handler} }}", is_json

    def start(self, place, load):
        os.chmod(place / "in", self.mode)
        return hub(self.binary, place, self.handlers, self.routes, output=place / "file")

    @contextlib.contextmanager
    def far_end(self, place, load, child):
        yield FileSize(place / "file", load, lambda messages: self.size_of(messages, load))

    def size_of(self, messages, load):
        if not self.is_json:
            return messages * (load.size + 1)
        empty = len('{"source":"in","sequence":,"time":"2024-05-01T12:00:00.250Z","size":,"text":""}\n')
        return messages * (empty + len(str(load.size)) + load.size) + digits_up_to(messages)

    def check(self, place, load):
        if not load.whole:
            return
        period = 2 * load.run * ((1 << 17) // load.message // (2 * load.run) + 1)  # as load.c repeats its pattern
        with open(place / "file") as file:
            got = [json.loads(line)["text"] if self.is_json else line[:-1] for line in file]
        if got != [text_of(number % period, load.size) for number in range(load.count)]:
            raise Failed("the file is not what was sent")


DEVICES = 100


class DevicesHub(TextHub):
    """The same, of JSON objects that each name a device: into one file, or a file each."""

    def __init__(self, binary, many):
        path = '"devices/{json:/device}.jsonl"' if many else "file"
        super().__init__(binary, f"plugin: log, options: {{ path: {path}, create_folders: true, format: jsonl, sync: never }}", True)
        self.many = many

    def files(self, place):
        return [place / f"devices/{d:02}.jsonl" for d in range(DEVICES)] if self.many else [place / "file"]

    @contextlib.contextmanager
    def far_end(self, place, load, child):
        yield FileSize(self.files(place), load, lambda messages: self.size_of(messages, load))

    def size_of(self, messages, load):
        return super().size_of(messages, load) + messages * 8  # a backslash before each quote

    def check(self, place, load):
        if not load.whole:
            return
        for d, path in enumerate(self.files(place)):
            with open(path) as file:
                rows = [json.loads(line) for line in file]
            wanted = range(d + 1, load.count + 1, DEVICES) if self.many else range(1, load.count + 1)
            devices = [json.loads(row["text"])["device"] for row in rows]
            if [row["sequence"] for row in rows] != list(wanted) or devices != [f"{(n - 1) % DEVICES:02}" for n in wanted]:
                raise Failed(f"{path} is not what was sent")


def text_of(number, size):
    head = f"{number} "
    return (head if len(head) < size else "") + "x" * (size - (len(head) if len(head) < size else 0))


def digits_up_to(last):
    """How many digits the numbers from 1 to `last` have together."""
    return sum(last - 10**n + 1 for n in range(len(str(last))) if last >= 10**n)


# ---- latency beside a flood

FLOOD = 1 << 40  # messages: it is ended, not awaited


@contextlib.contextmanager
def flood(place):
    """Frames into the FIFO flood-in, as fast as they are taken; what comes out of flood-out is read."""
    stream, how = "frames:128:1:all", {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with running([LOAD, "read", place / "flood-out", stream, FLOOD, FLOOD // 2, "heads"], **how):
        with running([LOAD, "write", place / "flood-in", stream, FLOOD, FLOOD // 2, 65536], **how):
            time.sleep(0.2)  # until pipes and logs are full
            yield


class FloodedHub(Middle):
    """A quiet FIFO beside one that is flooded, in one hub."""

    fifos = ["in", "out", "flood-in", "flood-out"]

    def __init__(self, binary):
        self.binary = binary

    @contextlib.contextmanager
    def start(self, place, load):
        handlers = "out: { plugin: forward, options: { fifo: out } }, flood-out: { plugin: forward, options: { fifo: flood-out } }"
        routes = "{ from: in, to: out }, { from: flood-in, to: flood-out }"
        sources = f"{SOURCE}, flood-in: {{ fifo: flood-in }}"
        for name in ("in", "flood-in"):
            os.chmod(place / name, 0o622)
        with hub(self.binary, place, handlers, routes, sources, drain="200ms") as child, flood(place):
            yield child


class FloodedEcho(Middle):
    """The bare minimum beside a `cat` that is flooded."""

    fifos = FloodedHub.fifos

    @contextlib.contextmanager
    def start(self, place, load):
        with Echo().start(place, load) as child, shell('exec cat <"$0" >"$1"', place / "flood-in", place / "flood-out"), flood(place):
            yield child


# ---- rivals


class Echo(Middle):
    def start(self, place, load):
        return running([LOAD, "echo", place / "in", place / "out"])


class Socat(Middle):
    needs, package = "socat", "socat"

    def start(self, place, load):
        return running(["socat", "-u", "-b", "65536", place / "in", place / "out"])


class PythonReader(Middle):
    needs, package = sys.executable, "python3"

    def start(self, place, load):
        return running([sys.executable, HERE / "pass.py", place / "in", place / "out"])


class Sockets(Middle):
    """Its own clients instead of FIFOs, as its users have them."""

    fifos = []
    writer_has_pipe = False

    @contextlib.contextmanager
    def start(self, place, load):
        with running([self.needs, self.verb, place / "front", place / "back"]) as child:
            wait_for(lambda: os.path.exists(place / "front") and os.path.exists(place / "back"), child, place)
            yield child

    def far_end(self, place, load, child):
        return Readers([[self.needs, "read", place / "back", load.size, load.count, load.warm]], pipes=False)

    def writer(self, place, load):
        return [self.needs, "write", place / "front", load.size, load.count, load.warm]


class ZeroMq(Sockets):
    needs, package, verb = TOOLS / "zmq", "libzmq3-dev", "proxy"


class Nng(Sockets):
    needs, package, verb = TOOLS / "nng", "libnng-dev", "device"


SYSLOG_NG = """@version: 3.35
options { stats-freq(0); keep-hostname(yes); use-dns(no); };
source s { pipe("%(in)s" flags(no-parse) log-fetch-limit(1000) log-iw-size(10000)); };
destination d { pipe("%(out)s" template("${MSG}\\n") log-fifo-size(100000) flush-lines(1000)); };
log { source(s); destination(d); flags(flow-control); };
"""


class SyslogNg(Middle):
    """Lines instead of frames: it knows no other. It opens FIFOs for reading and writing, so its start is when it has them."""

    needs, package = "/usr/sbin/syslog-ng", "syslog-ng-core"

    def start(self, place, load):
        load.lines = True
        return run_syslog_ng(place, SYSLOG_NG % {"in": place / "in", "out": place / "out"})


def run_syslog_ng(place, text):
    with open(place / "conf", "w") as file:
        file.write(text)
    files = [f"--{what}={place / name}" for what, name in (("cfgfile", "conf"), ("persist-file", "persist"))]
    files += [f"--pidfile={place / 'pid'}", f"--control={place / 'control'}"]
    return running([SyslogNg.needs, "--foreground", "--no-caps", *files], stderr=subprocess.DEVNULL)


# What takes lines of JSON whose id is 5.
SYSLOG_NG_FILTERS = {
    "syslog-ng, match() of a substring": """filter f { match('"id":5,' value("MESSAGE") type(string) flags(substring)); };
log { source(s); filter(f); destination(d); flags(flow-control); };""",
    "syslog-ng, json-parser()": """parser p { json-parser(prefix("j.")); };
filter f { "${j.id}" == "5" };
log { source(s); parser(p); filter(f); destination(d); flags(flow-control); };""",
}
SYSLOG_NG_FILTER = """@version: 3.35
options { stats-freq(0); keep-hostname(yes); use-dns(no); };
source s { pipe("%(in)s" flags(no-parse) log-fetch-limit(1000) log-iw-size(10000)); };
destination d { file("%(out)s" template("${MSG}\\n")); };
"""
LAST = b'{"id":5,"last":true}\n'


def syslog_ng_filter(place, condition, count):
    """How long it takes for all lines of `place / "lines"` and one more, and how many it lets through."""
    os.mkfifo(place / "in")
    with run_syslog_ng(place, SYSLOG_NG_FILTER % {"in": place / "in", "out": place / "out"} + condition) as child:
        fifo = open_when_read(place / "in", child, place)
        with open(place / "lines", "rb") as lines, open(fifo, "wb", buffering=1 << 16) as out:
            began = time.monotonic()
            shutil.copyfileobj(lines, out, 1 << 16)
            out.write(LAST)
            out.flush()
            wait_for(lambda: os.path.exists(place / "out") and ends_with(place / "out", LAST), child, place)
            took = time.monotonic() - began
    with open(place / "out", "rb") as out:
        return took, out.read().count(b"\n")


def open_when_read(path, child, place):
    """The write end of a FIFO, once somebody reads it."""
    found = []

    def is_read():
        with contextlib.suppress(OSError):
            found.append(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
        return found

    wait_for(is_read, child, place)
    os.set_blocking(found[0], True)
    return found[0]


def ends_with(path, text):
    with open(path, "rb") as file:
        return file.read().endswith(text)


def is_there(middle):
    return shutil.which(str(middle.needs)) is not None
