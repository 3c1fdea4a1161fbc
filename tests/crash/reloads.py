#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A hub that is reloaded again and again under load, with configurations of all kinds, and killed meanwhile.

    python3 tests/crash/reloads.py --bin build/test/bin/standpipe --times 200

One source and its three handlers are always there: a log, a forward whose reader must never see an end, and a forward that sends to
one place or the other. Beside them sources and handlers come and go and change their names, routes change, a plugin's file is replaced;
some configurations are broken, and some can be had by no worker. Every other reload is shot at: the worker is killed, and now and then
the keeper. Whatever was written whole before a reload must arrive once, in order.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "e2e"))

from actor import account_of  # noqa: E402 (the kit's folder must be known first)
from ending import judged, leave  # noqa: E402
from judge import Wrong  # noqa: E402
from killer import worker_of  # noqa: E402
from kit import SLOW, Bench, process, until  # noqa: E402
from numbered import AtOneOf, InOrder, Numbered  # noqa: E402
from reading import LogReader, StayingReader  # noqa: E402
from writing import SteadyWriter  # noqa: E402

EXTRAS = 5  # sources beside the one that stays
PLACES = ("near", "far")  # where a forward that stays sends to
LOG = "{plugin: %s, options: {path: %s.out, format: frames, sync: never}%s}"


class Configuration:
    """What is in the file. `extras`: {number: (name of the source, name of its handler)}."""

    def __init__(self, extras, note=0, flaw="", place="near"):
        self.extras, self.note, self.flaw, self.place = extras, note, flaw, place

    @staticmethod
    def of_all():
        return Configuration({k: (f"s{k}", f"h{k}") for k in range(EXTRAS)})

    @staticmethod
    def at_random(chance):
        some = chance.sample(range(EXTRAS), chance.randint(0, EXTRAS))
        extras = {k: (chance.choice([f"s{k}", f"t{k}"]), chance.choice([f"h{k}", f"g{k}"])) for k in some}
        note, flaw = chance.randint(0, 3), chance.choices(["", "broken", "unknown", "folder"], [8, 1, 1, 1])[0]
        return Configuration(extras, note, flaw, chance.choice(PLACES))

    def text(self):
        mine = LOG % ("./mine.so", "log", f", retry: {{max_attempts: {20 + self.note}}}")
        sources = ["core: {fifo: core}"] + [f"{s}: {{fifo: f{k}}}" for k, (s, _) in self.extras.items()]
        handlers = [f"log: {mine}", "next: {plugin: forward, options: {fifo: next}}"]
        handlers.append(f"moving: {{plugin: forward, options: {{fifo: {self.place}}}}}")
        handlers += [f"{h}: {LOG % ('log', f'out{k}', '')}" for k, (_, h) in self.extras.items()]
        routes = ["{from: core, to: log}", "{from: core, to: [next, moving]}"][:: 1 if self.note % 2 else -1]
        routes += [f"{{from: {s}, to: {h}}}" for s, h in self.extras.values()]
        if self.flaw == "unknown":
            routes.append("{from: core, to: nobody}")
        if self.flaw == "folder":
            sources.append("nowhere: {fifo: no/folder/here}")
        return "\n".join(
            ["version: 1", "data_dir: state", "drain_timeout: 10s", f"memory_max: {64 + self.note}MiB"]
            + _section("sources", sources)
            + _section("handlers", handlers)
            + ["routes:", *(f"  - {r}" for r in routes)]
            + (["broken: ["] if self.flaw == "broken" else [])
        )


def _section(name, lines):
    return [name + ":", *("  " + line for line in lines)]


class Reader(StayingReader):
    """It may see the end of a hub whose keeper was killed, as long as nothing newer has come."""

    may_end_at = -1

    def turn(self):
        (order,) = (order for _, order in self.places.values())
        if order.next <= self.may_end_at:
            self.begun = False
        super().turn()


class MovingReader(StayingReader):
    """The hub comes and goes."""

    def turn(self):
        self.begun = False
        super().turn()


class Run:
    """Verbs: start, reload, stop. Raises Wrong, or AssertionError."""

    def __init__(self, folder, seed):
        self.bench, self.chance = Bench(folder), random.Random(seed)
        self.core, self.order = Numbered("c", most=20_000), InOrder("log, c", again=0)
        self.forwarded, self.moved = InOrder("next, c", again=0), AtOneOf(PLACES)
        self.extra = [Numbered(chr(ord("0") + k), most=20_000) for k in range(EXTRAS)]
        self.sent, self.in_force, self.on_disk = [0] * EXTRAS, Configuration.of_all(), None
        self.number = 0  # of the reload that it is at
        self.pauses, self.done, self.refused, self.kills, self.keepers = [], 0, 0, 0, 0

    def start(self):
        for name in ("next", *PLACES):
            os.mkfifo(self.bench.path(name), 0o600)
        self._replace_plugin()
        self.hub = self.bench.hub("")
        self._write(self.in_force)
        self.hub.start()
        self.log = LogReader(self.bench.path("log.out"), {"c": (self.core, self.order)})
        self.reader = Reader(self.bench.path("next"), {"c": (self.core, self.forwarded)})
        self.movers = [MovingReader(self.bench.path(name), {"c": (self.core, self.moved.at(name))}) for name in PLACES]
        self.writer = SteadyWriter(self.bench.path("core"), self.core, rate=2000)

    def reload(self, number):
        """One, of whatever kind, and what must be so after it."""
        configuration = Configuration.at_random(self.chance)
        if self.chance.random() < 0.3:
            self._replace_plugin()
        self._write_extras()
        self._write(configuration)
        shot = self.chance.choice(["", "", "worker", "worker", "keeper"]) if number % 2 else ""
        if shot == "keeper" and number % 10 == 9:
            return self._lose_keeper()
        result = self._ask(shot if shot == "worker" else "")
        self._see(result, configuration)
        self._check()

    def stop(self):
        self._write(Configuration.of_all())
        until(lambda: self._ask("")["ok"], "the last reload is done", 60)
        self.in_force = Configuration.of_all()
        self._write_extras()
        self.writer.end()
        until(lambda: self._any_wrong() or self._all_came(), "all has come", 60)
        until(lambda: self._any_wrong() or not self._in_flight(), "all is delivered", 60)
        self._check()
        for reader in (self.log, self.reader, *self.movers):
            reader.end()
        account = self.hub.stop()
        for part in account.parts:
            account.of(part)  # whatever it says, it closes
        self._judge_extras()

    # ---- what it does

    def _replace_plugin(self):
        plugin = process.program().parent.parent / "lib/standpipe/plugins/log.so"
        shutil.copy(plugin, self.bench.path("new.so"))
        self.bench.path("new.so").rename(self.bench.path("mine.so"))

    def _write(self, configuration):
        new = self.bench.path("new.yaml")
        new.write_text(configuration.text() + "\n")
        new.rename(self.hub.config)

    def _write_extras(self):
        """Some whole frames to each source that is there."""
        for k in self.in_force.extras:
            end = self.sent[k] + self.chance.randint(1, 20)
            fd = os.open(self.bench.path(f"f{k}"), os.O_WRONLY)
            view = memoryview(self.extra[k].frames(self.sent[k], end))
            while view:
                view = view[os.write(fd, view) :]
            os.close(fd)
            self.sent[k] = end

    def _ask(self, shot):
        """What the hub says of a reload; the worker may be killed meanwhile."""
        command = [process.program(), "reload", "--json", "--control", self.hub.control]
        asked = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.bench.folder)
        if shot:
            time.sleep(0.06 * SLOW * self.chance.random())  # the instants are the test
            self._kill_worker()
        out, err = asked.communicate(timeout=120)
        if out:
            return json.loads(out)
        if "under way" in err or "is starting" in err:  # one whose worker was killed before it could say its number
            time.sleep(0.02)
            return self._ask("")
        if not shot:
            raise Wrong(f"standpipe reload: {err}")
        return None  # killed before it had a number

    def _kill_worker(self):
        worker = worker_of(self.hub.process.pid)
        if worker == self.hub.process.pid:
            return  # none is there just now
        os.kill(worker, signal.SIGKILL)
        self.kills += 1

    def _lose_keeper(self):
        """The worker saves, and the next hub continues. Writers have to pause: nobody reads."""
        self.writer.end()
        self.reader.may_end_at = self.writer.sent
        command = [process.program(), "reload", "--control", self.hub.control]
        asked = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.bench.folder)
        time.sleep(0.06 * SLOW * self.chance.random())  # the instants are the test
        worker = worker_of(self.hub.process.pid)
        self.hub.process.kill()
        self.hub.process.wait()
        until(lambda: not pathlib.Path(f"/proc/{worker}").exists(), "the worker ends", 30)
        asked.kill()
        asked.communicate()
        self.keepers += 1
        self.in_force = Configuration.of_all()
        self._write(self.in_force)
        self.hub.launch()
        until(self._answers, "the next hub serves", 30)
        self.writer = SteadyWriter(self.bench.path("core"), self.core, rate=2000, sent=self.writer.sent)

    def _answers(self):
        try:
            return self.hub.stats()
        except (AssertionError, OSError):  # no whole answer; or its socket is not there yet
            assert self.hub.process.poll() is None, "the hub has ended"
            return None

    # ---- what must be so

    def _see(self, result, configuration):
        if result is None:  # it may have been in force or not: the hub says so
            generation = until(self._answers, "the hub answers")["generation"]
            if generation == self.generation:
                return
            result = {"ok": True, "generation": generation}
        if result["ok"] and configuration.flaw:
            raise Wrong(f"a configuration with a flaw ({configuration.flaw}) is in force")
        self.done, self.refused = self.done + result["ok"], self.refused + (not result["ok"])
        if result["ok"]:
            self.in_force = configuration
            self.generation = result["generation"]
            self.pauses += [result["paused_ms"]] if "paused_ms" in result else []
        elif not configuration.flaw and "worker died" not in result["why"]:
            raise Wrong(f"refused: {result['why']}\n{self.bench.report()}")

    generation = 1

    def _check(self):
        if self._any_wrong():
            raise self._any_wrong()
        account_of(self.hub)  # it closes

    def _any_wrong(self):
        return next((a.error for a in (self.log, self.reader, *self.movers, self.writer) if a.error), None)

    def _in_flight(self):
        return sum(p["in_flight"] for name, p in account_of(self.hub).parts.items() if " -> " in name)

    def _all_came(self):
        return all(order.has_all(self.writer.sent) for order in (self.order, self.forwarded, self.moved))

    def _judge_extras(self):
        for k, messages in enumerate(self.extra):
            order = InOrder(f"out{k}", again=0)
            path = self.bench.path(f"out{k}.out")
            reader = LogReader(path, {messages.letter.decode(): (messages, order)})
            until(lambda: reader.error or order.has_all(self.sent[k]), f"{path.name} has all {self.sent[k]}", 20)
            reader.end()


def main():
    p = argparse.ArgumentParser(description="Reloads under load, with kills.")
    p.add_argument("--bin", required=True, type=pathlib.Path, help="the standpipe program, in its build folder")
    p.add_argument("--times", type=int, default=200)
    p.add_argument("--seed", type=int, default=0)
    options = p.parse_args()
    os.environ["STANDPIPE_TEST_BIN"] = str(options.bin.resolve())
    run = Run(tempfile.mkdtemp(prefix="standpipe crash "), options.seed)
    return judged(run.bench, lambda: reloads(run, options.times), lambda: f"at reload {run.number}")


def reloads(run, times):
    run.start()
    for run.number in range(1, times + 1):
        run.reload(run.number)
    run.stop()
    return (
        f"{times} reloads: {run.done} done, {run.refused} refused; {run.kills} workers and {run.keepers} keepers killed; "
        f"{run.writer.sent:,} messages to the log and the reader, {sum(run.sent):,} beside; "
        f"the moving forward sent {run.moved.text()}\n"
        f"paused for {statistics.median(run.pauses):.1f} ms (median), {max(run.pauses):.1f} ms at most"
    )


if __name__ == "__main__":
    leave(main())
