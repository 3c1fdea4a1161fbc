# SPDX-License-Identifier: Apache-2.0
"""One run of a hub under fire: two sources of two writers each, four handlers, and a judgement of what arrived."""

import functools
import json
import os
import random
import re
import select
import signal
import subprocess
import threading
import time

import judge
from judge import BATCH_MAX, Wrong
from killer import waits_for_events, worker_of
from kit import Bench, frames_in, process, until
from messages import DEVICES, ROUTES, Messages, Readings, is_for_print, is_for_recorder

SOURCES = """
memory_max: 4MiB
drain_timeout: 10s
data_dir: state
sources:
  a: {fifo: a, framing: {max_message_size: 1MiB}, log: {max_size: 512KiB}}
  b: {fifo: b, framing: {max_message_size: 1MiB}, log: {max_size: 512KiB}}
"""
YAML = SOURCES + """handlers:
  print: {plugin: print, options: {template: "{source} {sequence} {size} {payload}"}}
  log: {plugin: log, options: {path: log.out, format: frames, sync: never}}
  forward: {plugin: forward, options: {fifo: next}}
  recorder: {plugin: recorder, options: {path: recorder.out}}
unmatched: drop
""" + ROUTES

# Each source to one forward and nothing else, in FIFOs of our own: by reference.
RELAY_YAML = SOURCES + """handlers:
  to_a: {plugin: forward, options: {fifo: next_a}}
  to_b: {plugin: forward, options: {fifo: next_b}}
routes: [{from: a, to: to_a}, {from: b, to: to_b}]
"""

# A handler that is held at its first message, a forward without a reader, and logs that are soon full of what waits for them; and the same, mended.
HELD_YAML = SOURCES.replace("512KiB", "64KiB") + """handlers:
  log: {plugin: log, options: {path: log.out, format: frames, sync: never}}
  stubborn: {plugin: held}
  late: {plugin: forward, options: {fifo: late}}
routes: [{from: [a, b], to: [log, stubborn, late]}]
"""
MENDED_YAML = HELD_YAML.replace("{plugin: held}", "{plugin: log, options: {path: mended.out, format: frames, sync: never}}")

# The same with queues on disk: small ones, whose segments come and go, and one that is on the disk before anything counts.
QUEUE_YAML = YAML
for _name, _queue in (("print", ""), ("log", ", max_size: 1MiB"), ("forward", ", sync: always"), ("recorder", ", sync: never, max_messages: 40")):
    QUEUE_YAML = QUEUE_YAML.replace(f"{{plugin: {_name},", f"{{plugin: {_name}, queue: {{type: disk{_queue}}},")

# A handler that refuses all, so that there are dead letters; and another hub that has them replayed, beside live messages.
REFUSING_YAML = SOURCES + """handlers:
  again: {plugin: rejecting, options: {every: 1}}
routes: [{from: [a, b], to: again}]
"""
REPLAY_YAML = SOURCES + """handlers:
  log: {plugin: log, options: {path: log.out, format: frames, sync: never}}
  again: {plugin: log, options: {path: again.out, format: frames, sync: never}}
routes: [{from: [a, b], to: log}]
"""

# Files alone: one for both sources, one that is rotated all the time, one that is on the disk before anything counts.
ROTATE_BYTES = 20 << 10
FILES_YAML = SOURCES + f"""handlers:
  all: {{plugin: log, options: {{path: log.out, format: frames, sync: never}}}}
  rotated: {{plugin: log, options: {{path: rotated.out, format: frames, rotate_size: {ROTATE_BYTES}B, keep: 1000, sync: never}}}}
  synced: {{plugin: log, options: {{path: synced.out, format: frames, sync: always}}}}
routes: [{{from: [a, b], to: all}}, {{from: a, to: rotated}}, {{from: b, to: synced}}]
"""

# A file a device: with fewer open files than devices, and with files that are rotated all the time.
DEVICES_YAML = SOURCES + f"""handlers:
  devices:
    plugin: log
    options: {{path: "devices/{{json:/device}}.jsonl", create_folders: true, format: jsonl, max_open_files: 3, sync: never}}
  rotated:
    plugin: log
    options:
      path: "rotated/{{source}}-{{json:/device}}.log"
      create_folders: true
      max_open_files: 4
      rotate_size: {ROTATE_BYTES // 8}B
      keep: 1000
routes: [{{from: [a, b], to: [devices, rotated]}}]
"""

# Messages that are settled later, the last ones first, in a thread of the worker's, and in a process that takes a few at a time.
TAKEN_YAML = SOURCES + """handlers:
  log: {plugin: log, options: {path: log.out, format: frames, sync: never}}
  taken: {plugin: taking, options: {path: taken.out, backwards: true, delay: 2ms}}
  apart: {plugin: taking, isolation: process, options: {path: apart.out, delay: 1ms, most: 3}}
routes: [{from: [a, b], to: [log, taken, apart]}]
"""

# What plugins make: handlers that emit, in a thread and in a process, and sources, whose messages are numbered.
MADE = 300
MADE_YAML = SOURCES + f"""  numbers: {{plugin: generate, framing: {{max_message_size: 64KiB}}, options: {{count: {MADE}, rate: 1000, payload: "{{sequence}}"}}}}
  inlined_numbers: {{plugin: numbering, framing: {{max_message_size: 64KiB}}, options: {{count: {MADE}}}}}
  far_numbers: {{plugin: generate, framing: {{max_message_size: 64KiB}}, isolation: process, options: {{count: {MADE}, rate: 1000, payload: "{{sequence}}"}}}}
handlers:
  log: {{plugin: log, options: {{path: log.out, format: frames, sync: never}}}}
  shaped: {{plugin: transform, isolation: thread, options: {{add_meta: {{from: "{{source}}"}}}}}}
  inlined: {{plugin: emitting}}
  apart: {{plugin: transform, isolation: process, options: {{add_meta: {{from: "{{source}}"}}}}}}
  shaped_log: {{plugin: log, options: {{path: shaped.out, format: frames, sync: never}}}}
  inlined_log: {{plugin: log, options: {{path: inlined.out, format: frames, sync: never}}}}
  apart_log: {{plugin: log, options: {{path: apart.out, format: frames, sync: never}}}}
  lost: {{plugin: log, options: {{path: lost.out, format: frames, sync: never}}}}
  numbers_log: {{plugin: log, options: {{path: numbers.out, format: frames, sync: never}}}}
  inlined_numbers_log: {{plugin: log, options: {{path: inlined_numbers.out, format: frames, sync: never}}}}
  far_numbers_log: {{plugin: log, options: {{path: far_numbers.out, format: frames, sync: never}}}}
routes:
  - {{from: [a, b], to: [log, shaped, inlined, apart]}}
  - {{from: shaped, match: {{meta: {{from: {{regex: "^[ab]$"}}}}}}, to: shaped_log}}
  - {{from: inlined, match: {{meta: {{from: {{regex: "^[ab]$"}}}}}}, to: inlined_log}}
  - {{from: apart, match: {{meta: {{from: {{regex: "^[ab]$"}}}}}}, to: apart_log}}
  - {{from: [shaped, inlined, apart], match: {{not: {{meta: {{from: {{regex: "^[ab]$"}}}}}}}}, to: lost}}
  - {{from: numbers, to: numbers_log}}
  - {{from: inlined_numbers, to: inlined_numbers_log}}
  - {{from: far_numbers, to: far_numbers_log}}
"""

WANTED = {"print": is_for_print, "recorder": is_for_recorder}  # log and forward want all


class Feeder(threading.Thread):
    """Writes a source's messages through two open writers in turn, so that their order is known; both leave now and then."""

    def __init__(self, path, messages, chance, pace=0.0, until=None, burst=12):
        super().__init__(daemon=True)
        self.burst = burst
        self.path, self.messages, self.chance, self.pace, self.until = path, messages, chance, pace, until
        self.sent, self.error, self.fds = 0, None, []
        self.start()

    def run(self):
        try:
            while self.sent < len(self.messages) and not (self.until and time.monotonic() > self.until):
                self._burst()
        except BaseException as e:
            self.error = e
        finally:
            self._leave()

    def _burst(self):
        if not self.fds:
            self.fds = [os.open(self.path, os.O_WRONLY | os.O_NONBLOCK) for _ in range(2)]  # ENXIO: nobody reads it
            for fd in self.fds:
                os.set_blocking(fd, True)
        end = min(len(self.messages), self.sent + self.chance.randint(1, self.burst))
        view = memoryview(self.messages.frames(self.sent, end))
        while view:
            view = view[os.write(self.fds[self.chance.randrange(2)], view) :]
        self.sent = end
        if self.chance.random() < 0.15:
            self._leave()
        if self.pace or self.chance.random() < 0.6:
            time.sleep(self.pace or 0.001)

    def _leave(self):
        for fd in self.fds:
            os.close(fd)
        self.fds = []


class Taker(threading.Thread):
    """Reads the forward's FIFO, pauses now and then, and must not see the end of the file before it was told to expect it."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.marks, self.frames, self.rest, self.bytes = {"a": [], "b": []}, 0, b"", 0
        self.error, self.ended, self.may_end, self.hub_has_ended = None, False, False, False
        self.start()

    def run(self):
        try:
            chance = random.Random(3)
            while not self.ended:
                self._take(chance)
        except BaseException as e:
            self.error = e
        finally:
            os.close(self.fd)

    def _take(self, chance):
        if not select.select([self.fd], [], [], 0.02)[0]:
            self.ended = self.hub_has_ended
            return
        data = self._read(1 << chance.randint(6, 20))
        self.bytes += len(data)
        payloads, self.rest = frames_in(self.rest + data, incomplete=True)
        for source, marks in judge.by_source(payloads).items():
            self.marks[source] += marks
        self.frames += len(payloads)
        if data and chance.random() < 0.05:
            time.sleep(0.004)

    def _read(self, size):
        try:
            data = os.read(self.fd, size)
        except BlockingIOError:
            return b""
        if not data:
            self.ended = self._at_end()
            time.sleep(0.001)
        return data

    def _at_end(self):
        if self.bytes and not self.may_end:
            raise Wrong(f"forward: end of file after {self.bytes} bytes")
        return self.hub_has_ended


class VisitingTaker(Taker):
    """Dies and comes back: keeps the whole frames of each visit and throws the rest away. It comes again only when the hub has seen
    it go: a worker waits for events, and is the same a little later."""

    def __init__(self, path, hub_sees):
        self.path, self.hub_sees, self.visits = path, hub_sees, 0
        self.left = 0
        super().__init__(path)

    def _take(self, chance):
        if self.left <= 0 and not self.may_end:
            self._die()
            self.left = int(500_000 ** chance.random())  # often little, and sometimes more than the largest frame
        before = self.bytes
        super()._take(chance)
        self.left -= self.bytes - before

    def _die(self):
        os.close(self.fd)
        while not self.hub_sees() and not self.hub_has_ended and not self.may_end:
            time.sleep(0.001)
        self.fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        self.visits, self.rest = self.visits + 1, b""

    def _at_end(self):
        return self.hub_has_ended  # between visits there may be nobody who writes


class Run:
    """Verbs: start, feed, wait_for_all, stop, judge. `kills` is how many there were, for the judgement."""

    yaml, nexts, burst = YAML, {"next": "ab"}, 12  # the FIFOs of forwards, and whose messages come there

    def __init__(self, folder, count=150, seed=0, large=True, readers_die=False):
        self.bench, self.readers_die = Bench(folder), readers_die
        self.messages = {s: Messages(s, count, seed, large) for s in "ab"}
        self.seed, self.kills, self.faults, self.is_shot_at = seed, 0, [], True
        self.repeated, self.longest, self.truncated = 0, 0, 0

    def start(self):
        for name in self.nexts:
            os.mkfifo(self.bench.path(name), 0o600)
        self.hub = self.bench.start(self.yaml)
        hub_sees = functools.partial(waits_for_events, self.hub.process.pid, self.worker() == self.hub.process.pid)
        self.takers = [
            VisitingTaker(self.bench.path(name), hub_sees) if self.readers_die else Taker(self.bench.path(name)) for name in self.nexts
        ]

    def worker(self):
        return worker_of(self.hub.process.pid)

    def feed(self, **pace):
        self.feeders = [Feeder(self.bench.path(s), m, random.Random(f"{self.seed} {s}"), burst=self.burst, **pace) for s, m in self.messages.items()]

    def fed(self):
        return not any(f.is_alive() for f in self.feeders)

    def alive(self):
        return self.hub.process.poll() is None

    def wait_for_all(self, seconds=20):
        """Until everything sent was taken and logged, or nothing can come any more."""
        self._patiently(lambda: self.fed() or not self.alive(), "the writers get rid of what they have", seconds)
        sent = sum(len(m) for m in self.messages.values())
        self._patiently(lambda: self.taken() >= sent or self.reader_error() or not self.alive(), "the reader gets all", seconds)

    def taken(self):
        return sum(t.frames for t in self.takers)

    def reader_error(self):
        return next((t.error for t in self.takers if t.error), None)

    def _patiently(self, condition, what, seconds):
        try:
            until(condition, what, seconds)
        except AssertionError as e:
            self.faults.append(str(e))

    def stop(self):
        for taker in self.takers:
            taker.may_end = True
        if self.alive():
            self.hub.process.send_signal(signal.SIGTERM)
        try:
            self.hub.wait()
        except AssertionError as e:
            self.faults.append(str(e))
        self.bench.kill_all()
        for taker in self.takers:
            taker.hub_has_ended = True
        for taker in self.takers:
            taker.join(10)
        for feeder in self.feeders:
            feeder.join(1)

    # ---- the judgement: a list of faults, empty when all is well

    def judge(self):
        for source, feeder in zip(self.messages, self.feeders):
            if feeder.error or feeder.is_alive():
                self.faults.append(f"a writer of {source}: {feeder.error or 'cannot get rid of its messages'}")
        if self.reader_error():
            self.faults.append(f"the reader: {self.reader_error()!r}")
        for check in self._checks():
            try:
                check()
            except (Wrong, AssertionError, OSError, ValueError) as e:
                self.faults.append(str(e) or repr(e))
        return self.faults

    def _checks(self):
        return self._forward, self._log, self._print, self._recorder, self._account

    def _forward(self):
        for taker, sources in zip(self.takers, self.nexts.values()):
            if taker.rest:
                self.faults.append(f"forward: a truncated frame at the end, {len(taker.rest)} bytes")
            for source in sources:
                judge.once_in_order(f"forward, {source}", taker.marks[source], [judge.mark(m) for m in self.messages[source]])

    def _log(self):
        payloads, rest = frames_in(self._file("log.out"), incomplete=True)
        if rest:
            self.faults.append(f"log: a truncated frame at the end, {len(rest)} bytes")
        arrived = judge.by_source(payloads)
        for source, messages in self.messages.items():
            judge.once_in_order(f"log, {source}", arrived[source], [judge.mark(m) for m in messages])

    def _print(self):
        marks, self.truncated = judge.printed(self._file("hub.stdout"), self.kills)
        self._again("print", marks, self._numbered("print"))

    def _recorder(self):
        self._again("recorder", judge.recorded(self._file("recorder.out").decode()), self._numbered("recorder"), most=1)

    def _again(self, handler, actual, expected, most=BATCH_MAX):
        again = [n for s in expected for n in judge.replays(f"{handler}, {s}", actual[s], expected[s])]
        self.repeated += sum(again)
        self.longest = max([self.longest, *again])
        if len(again) > self.kills:
            raise Wrong(f"{handler}: {len(again)} repeats, and {self.kills} kills")
        if max(again, default=0) > most:
            raise Wrong(f"{handler}: {max(again)} messages came twice, at most {most} may")

    def _numbered(self, handler):
        return {s: judge.numbered(m, WANTED[handler]) for s, m in self.messages.items()}

    def _account(self):
        if not self.hub.account:
            raise Wrong("the hub left no account")
        for source, messages in self.messages.items():
            self._account_of(source, messages)

    def _account_of(self, source, messages):
        wanted = {h: sum(1 for m in messages if h not in WANTED or WANTED[h](m)) for h in ("print", "log", "forward", "recorder")}
        self.hub.account.says(source, accepted=len(messages))
        for handler, count in wanted.items():
            self.hub.account.says(f"{source} -> {handler}", matched=count, delivered=count)

    def _file(self, name):
        path = self.bench.path(name)
        return path.read_bytes() if path.exists() else b""


class ProcessRun(Run):
    """Every handler in a process of its own."""

    yaml = re.sub(r"\{plugin: ", "{isolation: process, plugin: ", YAML)


class TakenRun(Run):
    """Plugins that settle messages later, from threads of their own: none is lost, whatever they had taken."""

    yaml, nexts = TAKEN_YAML, {}

    def wait_for_all(self, seconds=20):
        self._patiently(lambda: self.fed() or not self.alive(), "the writers get rid of what they have", seconds)
        self._patiently(lambda: self._all_written() or not self.alive(), "all is settled", seconds)

    def _all_written(self):
        return all(self._delivered(handler) == self._sent() for handler in ("taken", "apart"))

    def _sent(self):
        return {(s, i + 1) for s, messages in self.messages.items() for i in range(len(messages))}

    def _delivered(self, handler):
        """A line that a kill has cut off is the beginning of the next one."""
        lines = re.findall(r"([ab]) (\d+) \d+$", self._file(f"{handler}.out").decode(), re.MULTILINE)
        return {(source, int(sequence)) for source, sequence in lines}

    def _checks(self):
        return self._log, self._taken, self._account

    def _taken(self):
        for handler in ("taken", "apart"):
            if missing := sorted(self._sent() - self._delivered(handler)):
                raise Wrong(f"{handler}: {len(missing)} messages are missing: {missing[:5]}")

    def _account_of(self, source, messages):
        self.hub.account.says(source, accepted=len(messages))
        for handler in ("log", "taken", "apart"):
            self.hub.account.says(f"{source} -> {handler}", matched=len(messages), delivered=len(messages))


class MadeRun(Run):
    """What plugins make: handlers emit it and sources put it, once each and in order, through any death of the worker."""

    yaml, nexts = MADE_YAML, {}
    EMITTERS, NUMBERS = ("shaped", "inlined", "apart"), ("numbers", "inlined_numbers", "far_numbers")

    def wait_for_all(self, seconds=20):
        self._patiently(lambda: self.fed() or not self.alive(), "the writers get rid of what they have", seconds)
        self._patiently(lambda: self._all_written() or not self.alive(), "all that is made is written", seconds)

    def _all_written(self):
        sent = sum(len(m) for m in self.messages.values())
        counts = [(f"{name}.out", sent) for name in self.EMITTERS] + [(f"{name}.out", MADE) for name in self.NUMBERS]
        return all(len(frames_in(self._file(name), incomplete=True)[0]) >= count for name, count in counts)

    def _checks(self):
        return self._log, self._emitted, self._put, self._account

    def _emitted(self):
        for name in self.EMITTERS:
            arrived = judge.by_source(self._frames(name))
            for source, messages in self.messages.items():
                judge.once_in_order(f"{name}, {source}", arrived[source], [judge.mark(m) for m in messages])
        if self.bench.path("lost.out").exists() and self._file("lost.out"):
            raise Wrong("messages were emitted without their metadata")

    def _put(self):
        for name in self.NUMBERS:
            judge.once_in_order(name, self._frames(name), [b"%d" % (i + 1) for i in range(MADE)])

    def _frames(self, name):
        payloads, rest = frames_in(self._file(f"{name}.out"), incomplete=True)
        if rest:
            raise Wrong(f"{name}: a truncated frame at the end, {len(rest)} bytes")
        return payloads

    def _account_of(self, source, messages):
        self.hub.account.says(source, accepted=len(messages))
        for handler in ("log", *self.EMITTERS):
            self.hub.account.says(f"{source} -> {handler}", matched=len(messages), delivered=len(messages))

    def _account(self):
        super()._account()
        sent = sum(len(m) for m in self.messages.values())
        for source, count in [(name, sent) for name in self.EMITTERS] + [(name, MADE) for name in self.NUMBERS]:
            self.hub.account.says(source, accepted=count)
            self.hub.account.says(f"{source} -> {source}_log", matched=count, delivered=count)


class ReloadRun(Run):
    """The hub is reloaded while messages pass: a handler comes and goes, and the order of all is another one each time."""

    RELOADS = 4

    def feed(self, **pace):
        self.reloading = threading.Thread(target=self._reload, daemon=True)
        self.reloading.start()
        super().feed(**pace)

    def _reload(self):
        command = [process.program(), "reload", "--control", self.hub.control]
        for i in range(self.RELOADS):
            yaml = self.yaml.replace("handlers:\n", "handlers:\n  beside: {plugin: print}\n") if i % 2 == 0 else self.yaml
            self.hub.config.write_text("version: 1\n" + yaml)
            subprocess.run(command, capture_output=True, timeout=60)  # a kill may be all that comes of it
            time.sleep(0.01)

    def wait_for_all(self, seconds=20):
        self._patiently(lambda: not self.reloading.is_alive() or not self.alive(), "all reloads are over", 60)
        super().wait_for_all(seconds)


class RelayRun(Run):
    """Forwards alone, by the fast path: what comes in large pieces goes on by reference."""

    yaml, nexts, burst = RELAY_YAML, {"next_a": "a", "next_b": "b"}, 60
    by_reference = 1  # unless it was asked

    def stop(self):
        if self.alive() and not self.is_shot_at:
            self.by_reference = sum(relay["bytes"] for relay in self.hub.stats()["relays"])
        super().stop()

    def _checks(self):
        return self._forward, self._account, self._relayed

    def _account_of(self, source, messages):
        self.hub.account.says(source, accepted=len(messages))
        self.hub.account.says(f"{source} -> to_{source}", matched=len(messages), delivered=len(messages))

    def _relayed(self):
        if not self.by_reference and not self.readers_die:  # such a reader keeps the log from ever being empty
            raise Wrong("nothing went by reference")


class HeldRun(Run):
    """What waits for a held handler, and for a forward without a reader, goes to the disk while the other continues. The reader comes
    late, and gets all; the next hub delivers what the held one missed."""

    yaml, nexts = HELD_YAML, {"late": "ab"}

    def start(self):
        os.mkfifo(self.bench.path("late"), 0o600)
        self.hub, self.takers = self.bench.start(self.yaml), []

    def wait_for_all(self, seconds=20):
        self._patiently(lambda: self.fed() or not self.alive(), "the writers get rid of what they have", seconds)
        self._patiently(lambda: self._all_logged() or not self.alive(), "all is logged beside the held handler", seconds)
        self.takers = [Taker(self.bench.path("late"))]
        sent = sum(len(m) for m in self.messages.values())
        self._patiently(lambda: self.taken() >= sent or self.reader_error() or not self.alive(), "the late reader gets all", seconds)

    def _all_logged(self):
        if len(self._file("log.out")) < sum(len(ms.frames(0, len(ms))) for ms in self.messages.values()):
            return False
        logged = judge.by_source(frames_in(self._file("log.out"), incomplete=True)[0])
        return all(logged[s][-1:] == [judge.mark(ms[len(ms) - 1])] for s, ms in self.messages.items())

    def stop(self):
        super().stop()
        if self.faults:
            return
        try:
            mended = self.bench.start(MENDED_YAML)
            until(lambda: all(d["in_flight"] == 0 for d in mended.stats()["deliveries"]), "the next hub delivers all", 20)
            mended.stop()
        except AssertionError as e:
            self.faults.append(str(e))
        self.bench.kill_all()

    def _checks(self):
        return self._log, self._forward, self._mended, self._overflowed, self._account

    def _mended(self):
        payloads, rest = frames_in(self._file("mended.out"), incomplete=True)
        if rest:
            raise Wrong(f"mended: a truncated frame at the end, {len(rest)} bytes")
        arrived = judge.by_source(payloads)
        for source, messages in self.messages.items():
            judge.once_in_order(f"mended, {source}", arrived[source], [judge.mark(m) for m in messages])

    def _overflowed(self):
        for why in ("is held .*", "has no reader at .*"):
            if not re.search(f"which {why}: from now on it goes to", self.hub.stderr()) and not self.kills:
                raise Wrong(f"nothing overflowed for the handler which {why}")
        if left := [str(p) for p in self.bench.path("state").glob("spill/*")] + [str(p) for p in self.bench.path("state").glob("queue/*/*/*")]:
            raise Wrong(f"the next hub has left {left}")

    def _account_of(self, source, messages):
        self.hub.account.says(source, accepted=len(messages))
        self.hub.account.says(f"{source} -> log", matched=len(messages), delivered=len(messages))
        self.hub.account.says(f"{source} -> late", matched=len(messages), delivered=len(messages))
        self.hub.account.says(f"{source} -> stubborn", matched=len(messages), in_flight=len(messages), saved=len(messages))


class QueueRun(Run):
    """Each handler has a queue on disk: what comes goes there, and from there to the handler."""

    yaml = QUEUE_YAML

    def _checks(self):
        return *super()._checks(), self._queues

    def _numbered(self, handler):
        """A queue numbers what is in it."""
        return {s: judge.numbered([m for m in ms if WANTED[handler](m)], lambda m: True) for s, ms in self.messages.items()}

    def _queues(self):
        left = [str(p) for p in self.bench.path("state/queue").glob("*/*/*")]
        if left:
            raise Wrong(f"a stop that had delivered all has left {left}")


class ReplayRun(Run):
    """Dead letters are replayed beside live messages: each comes once, and none is left."""

    yaml, nexts = REPLAY_YAML, {}

    def __init__(self, folder, count=150, seed=0, large=True, readers_die=False):
        super().__init__(folder, count, seed, large, readers_die)
        self.letters = {s: Messages(s, count, seed + 1, large) for s in "ab"}

    def start(self):
        refusing = self.bench.start(REFUSING_YAML)
        feeders = [Feeder(self.bench.path(s), m, random.Random(s)) for s, m in self.letters.items()]
        until(lambda: not any(f.is_alive() for f in feeders), "the writers get rid of what is refused", 20)
        until(lambda: all(d["in_flight"] == 0 for d in refusing.stats()["deliveries"]), "all is refused", 20)
        refusing.stop()
        super().start()

    def feed(self, **pace):
        self.replaying = threading.Thread(target=self._replay, daemon=True)
        self.replaying.start()
        super().feed(**pace)

    def _replay(self):
        """A kill may cost the command its answer, and then it is in progress already."""
        command = [process.program(), "dead", "replay", "--control", self.hub.control]
        while self.alive() and subprocess.run(command, capture_output=True, timeout=60).returncode != 0:
            time.sleep(0.02)

    def wait_for_all(self, seconds=20):
        self._patiently(lambda: not self.replaying.is_alive() or not self.alive(), "the replay is over", 40)
        self._patiently(lambda: self.fed() or not self.alive(), "the writers get rid of what they have", seconds)
        self._patiently(lambda: self._has_all() or not self.alive(), "all is in the files", seconds)

    def _has_all(self):
        return all(len(self._file(f)) >= sum(len(ms.frames(0, len(ms))) for ms in sent.values()) for f, sent in self._sent().items())

    def _sent(self):
        return {"log.out": self.messages, "again.out": self.letters}

    def _checks(self):
        return self._logs, self._no_letters, self._account

    def _logs(self):
        for file, sent in self._sent().items():
            payloads, rest = frames_in(self._file(file), incomplete=True)
            if rest:
                raise Wrong(f"{file}: a truncated frame at the end, {len(rest)} bytes")
            arrived = judge.by_source(payloads)
            for source, messages in sent.items():
                judge.once_in_order(f"{file}, {source}", arrived[source], [judge.mark(m) for m in messages])

    def _no_letters(self):
        out, _ = self.bench.run("dead", "list", "--json", "--data-dir", self.bench.path("state"))
        if out:
            raise Wrong(f"dead letters are left: {out[:300]}")

    def _account_of(self, source, messages):
        letters = len(self.letters[source])
        self.hub.account.says(source, accepted=len(messages) + letters)
        self.hub.account.says(f"{source} -> log", matched=len(messages), delivered=len(messages))
        self.hub.account.says(f"{source} -> again", matched=letters, delivered=letters)


class FilesRun(Run):
    """Files in frames, which the hub itself writes: each message once, also where a file is rotated."""

    yaml, nexts = FILES_YAML, {}

    def wait_for_all(self, seconds=20):
        self._patiently(lambda: self.fed() or not self.alive(), "the writers get rid of what they have", seconds)
        self._patiently(lambda: self._has_all() or not self.alive(), "all is in the files", seconds)

    def _has_all(self):
        sent = {s: sum(len(m) + 4 for m in ms) for s, ms in self.messages.items()}
        return all((self._bytes("log.out") >= sum(sent.values()), self._bytes("rotated.out") >= sent["a"], self._bytes("synced.out") >= sent["b"]))

    def _bytes(self, name):
        try:
            return sum(f.stat().st_size for f in self._files(name))
        except FileNotFoundError:  # it is being rotated
            return 0

    def _files(self, name):
        """It and what was rotated, the oldest first."""
        rotated = [f for f in self.bench.path(".").glob(name + ".*") if f.suffix[1:].isdigit()]
        files = sorted(rotated, key=lambda f: -int(f.suffix[1:])) + [self.bench.path(name)]
        return [f for f in files if f.exists()]

    def _checks(self):
        return self._log, self._rotated, self._synced, self._nothing_damaged, self._account

    def _rotated(self):
        arrived = []
        for file in self._files("rotated.out"):
            payloads, rest = frames_in(file.read_bytes(), incomplete=True)
            if rest:
                raise Wrong(f"{file.name}: a truncated frame at the end, {len(rest)} bytes")
            before_last = file.stat().st_size - len(payloads[-1]) - 4 if payloads else 0
            if before_last >= ROTATE_BYTES or (file.suffix != ".out" and file.stat().st_size < ROTATE_BYTES):
                raise Wrong(f"{file.name}: rotated at {file.stat().st_size} bytes")
            arrived += payloads
        judge.once_in_order("rotated", judge.by_source(arrived)["a"], [judge.mark(m) for m in self.messages["a"]])

    def _synced(self):
        payloads, rest = frames_in(self._file("synced.out"), incomplete=True)
        if rest:
            raise Wrong(f"synced: a truncated frame at the end, {len(rest)} bytes")
        judge.once_in_order("synced", judge.by_source(payloads)["b"], [judge.mark(m) for m in self.messages["b"]])

    def _nothing_damaged(self):
        if damaged := list(self.bench.path(".").glob("*.damaged-*")):
            raise Wrong(f"{damaged[0].name} was cut off")

    def _account_of(self, source, messages):
        self.hub.account.says(source, accepted=len(messages))
        for handler in ("all", {"a": "rotated", "b": "synced"}[source]):
            self.hub.account.says(f"{source} -> {handler}", matched=len(messages), delivered=len(messages))


class DevicesRun(Run):
    """A file a device, which the plugin writes: nothing is missing in any, and what a killed call may repeat is the most that is repeated."""

    yaml, nexts = DEVICES_YAML, {}

    def __init__(self, folder, count=150, seed=0, large=True, readers_die=False):
        super().__init__(folder, count, seed, large, readers_die)
        self.messages = {s: Readings(s, count, seed, large) for s in "ab"}

    def wait_for_all(self, seconds=20):
        self._patiently(lambda: self.fed() or not self.alive(), "the writers get rid of what they have", seconds)
        self._patiently(lambda: self._has_last() or not self.alive(), "all is in the files", seconds)

    def _has_last(self):
        return all(ms[len(ms) - 1] in self._file(f"rotated/{s}-{ms.device_of(len(ms) - 1)}.log") for s, ms in self.messages.items())

    def _checks(self):
        return self._devices, self._rotated, self._account

    def _file(self, name):
        try:
            return super()._file(name)
        except FileNotFoundError:  # it is being rotated
            return b""

    def _sent(self, source, device):
        ms = self.messages[source]
        return [ms[i] for i in range(len(ms)) if ms.device_of(i) == device]

    def _devices(self):
        for device in (f"d{n}" for n in range(DEVICES)):
            lines = judge.lines(device, self._file(f"devices/{device}.jsonl"), self.kills, judge.is_json)
            rows = [json.loads(line) for line in lines]
            for source in self.messages:
                came = [row["text"].encode() for row in rows if row["source"] == source]
                self._repeats(f"devices/{device}, {source}", came, self._sent(source, device))

    def _rotated(self):
        for source in self.messages:
            for device in (f"d{n}" for n in range(DEVICES)):
                sent = self._sent(source, device)
                files = self._files(f"rotated/{source}-{device}.log")
                came = [line for f in files for line in judge.lines(f.name, f.read_bytes(), self.kills, set(sent).__contains__)]
                self._repeats(f"rotated/{source}-{device}", came, sent)

    def _repeats(self, what, came, sent):
        again = judge.replays(what, [judge.mark(m) for m in came], [judge.mark(m) for m in sent])
        self.repeated += sum(again)
        self.longest = max([self.longest, *again])
        if len(again) > self.kills:
            raise Wrong(f"{what}: {len(again)} repeats, and {self.kills} kills")

    def _files(self, name):
        """It and what was rotated, the oldest first."""
        path = self.bench.path(name)
        rotated = [f for f in path.parent.glob(path.name + ".*") if f.suffix[1:].isdigit()]
        return [f for f in (*sorted(rotated, key=lambda f: -int(f.suffix[1:])), path) if f.exists()]

    def _account_of(self, source, messages):
        self.hub.account.says(source, accepted=len(messages))
        for handler in ("devices", "rotated"):
            self.hub.account.says(f"{source} -> {handler}", matched=len(messages), delivered=len(messages))
