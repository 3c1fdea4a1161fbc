#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills the worker at every point of a message's journey, once a run, and judges each run.

    python3 tests/crash/points.py --bin build/test/bin/standpipe --every 1          before and after each system call
    python3 tests/crash/points.py --bin build/test/bin/standpipe --every 5 --steps 4000   and some instructions after them
    python3 tests/crash/points.py --bin build/test/bin/standpipe --seconds 60       at random instants of one long run
"""

import argparse
import collections
import multiprocessing
import os
import pathlib
import random
import re
import shutil
import signal
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "e2e"))

from killer import Killer, compile_into  # noqa: E402 (the kit's folder must be known first)
from scenario import DevicesRun, FilesRun, HeldRun, MadeRun, ProcessRun, QueueRun, RelayRun, ReloadRun, ReplayRun, Run, TakenRun  # noqa: E402

Point = collections.namedtuple("Point", "call when steps then", defaults=("before", 0, 0))


def arguments():
    p = argparse.ArgumentParser(description="Kills the worker at every point of a message's journey and judges each run.")
    p.add_argument("--bin", required=True, type=pathlib.Path, help="the standpipe program, in its build folder")
    p.add_argument("--every", type=int, default=0, metavar="K", help="each K-th system call, before and after it")
    p.add_argument("--points", default="", help="these: 17,18,+5 means calls 17, 18 and each fifth")
    p.add_argument("--when", choices=["before", "after", "both"], default="both")
    p.add_argument("--steps", type=int, default=0, metavar="MAX", help="go on for 1 to MAX instructions (random) after each call")
    p.add_argument("--step", type=int, default=0, metavar="K", help="go on for exactly K instructions")
    p.add_argument("--then", type=int, default=0, metavar="M", help="kill the next worker at a random one of its first M calls, too")
    p.add_argument("--then-at", type=int, default=0, metavar="M", help="kill the next worker at its M-th call, too")
    p.add_argument("--seconds", type=float, default=0, help="instead: one long run, kills at random instants")
    p.add_argument("--kills", type=int, default=1000, help="at most so many in the long run; 0: load alone")
    p.add_argument("--readers-die", action="store_true", help="the forward's reader dies and comes back all the time")
    p.add_argument("--relay", action="store_true", help="forwards alone, by the fast path")
    p.add_argument("--files", action="store_true", help="files in frames alone, one of them rotated all the time")
    p.add_argument("--devices", action="store_true", help="a file a device, of which few are open, and rotated ones")
    p.add_argument("--held", action="store_true", help="a handler is held and a forward has no reader, and what waits for them goes to the disk")
    p.add_argument("--process", action="store_true", help="every handler has a process of its own")
    p.add_argument("--taken", action="store_true", help="plugins settle messages later, from threads of their own")
    p.add_argument("--made", action="store_true", help="plugins make messages: handlers emit them, and sources put them")
    p.add_argument("--queue", action="store_true", help="each handler has a queue on disk")
    p.add_argument("--replay", action="store_true", help="dead letters are replayed beside live messages")
    p.add_argument("--reload", action="store_true", help="the hub is reloaded again and again meanwhile")
    p.add_argument("--jobs", type=int, default=2)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--messages", type=int, default=150, help="of each source")
    return p.parse_args()


# ---- one run


def killer_options(point):
    if not point:
        return ["--count"]
    step = ["--step", str(point.steps)] if point.steps else []
    return [*step, "--when", point.when, "--at", str(point.call) + (f",{point.then}" if point.then else "")]


def kind(options):
    if options.files:
        return FilesRun
    if options.devices:
        return DevicesRun
    if options.reload:
        return ReloadRun
    if options.process:
        return ProcessRun
    if options.queue:
        return QueueRun
    if options.replay:
        return ReplayRun
    if options.taken:
        return TakenRun
    if options.made:
        return MadeRun
    return HeldRun if options.held else RelayRun if options.relay else Run


def run_once(point, options, folder):
    """Returns (what the killer said, the run with its faults)."""
    run = kind(options)(folder, options.messages, options.seed, readers_die=options.readers_die)
    run.is_shot_at = bool(point)
    run.start()
    try:
        killer = Killer(os.environ["STANDPIPE_KILLER"], run.hub.process.pid, run.worker(), *killer_options(point))
        run.feed()
        run.wait_for_all()
        run.stop()
    finally:
        run.bench.kill_all()
    said = killer.end()
    run.kills = len(re.findall("^killed", said, re.MULTILINE))
    run.judge()
    return said, run


Result = collections.namedtuple("Result", "point kills faults repeated longest truncated folder said seconds")


def try_point(task):
    point, options = task
    folder, began = tempfile.mkdtemp(prefix="standpipe crash "), time.monotonic()
    try:
        said, run = run_once(point, options, folder)
        if run.faults:
            pathlib.Path(folder, "faults").write_text("\n".join(run.faults) + "\n\n" + said + run.bench.report())
        result = (run.kills, run.faults, run.repeated, run.longest, run.truncated)
    except Exception as e:  # the harness itself
        said, result = "", (0, [f"{type(e).__name__}: {e}"], 0, 0, 0)
    if not result[1]:
        shutil.rmtree(folder, ignore_errors=True)
    return Result(point, *result, folder, said, time.monotonic() - began)


# ---- which points


def calls_chosen(options, total):
    chosen = set(range(1, total + 1, options.every)) if options.every else set()
    for one in filter(None, options.points.split(",")):
        chosen |= set(range(1, total + 1, int(one[1:]))) if one.startswith("+") else {int(one)}
    return sorted(chosen)


def points(options, total):
    chance = random.Random(options.seed)
    whens = ["before", "after"] if options.when == "both" else [options.when]
    for call in calls_chosen(options, total):
        for when in whens:
            steps = options.step or (int(options.steps ** chance.random()) if options.steps else 0)  # few more often than many
            yield Point(call, when, steps, options.then_at or (chance.randint(1, options.then) if options.then else 0))


def repeat_command(point, options):
    then = f" --then-at {point.then}" if point.then else ""
    scenario = (" --readers-die" if options.readers_die else "") + (" --relay" if options.relay else "") + (" --held" if options.held else "")
    scenario += (" --files" if options.files else "") + (" --devices" if options.devices else "")
    scenario += (" --reload" if options.reload else "") + (" --process" if options.process else "")
    scenario += (" --queue" if options.queue else "") + (" --replay" if options.replay else "") + (" --taken" if options.taken else "")
    scenario += " --made" if options.made else ""
    return (
        f"python3 tests/crash/points.py --bin {options.bin} --points {point.call} --when {point.when} --step {point.steps}"
        f"{then}{scenario} --messages {options.messages} --seed {options.seed}"
    )


def report_failure(result, options):
    print(f"FAIL {result.point.when} call {result.point.call}" + (f" + {result.point.steps} instructions" if result.point.steps else ""))
    for fault in result.faults[:6]:
        print("    " + fault.replace("\n", "\n    ")[:600])
    print(f"    again:      {repeat_command(result.point, options)}\n    its folder: {result.folder}", flush=True)


def count(options):
    """A run without a kill: it must be perfect, or nothing else says anything."""
    result = try_point((None, options))
    if result.faults:
        print("the run without a kill fails:", *result.faults, result.folder, sep="\n    ")
        return 0
    print(result.said.rstrip())
    return int(re.search(r"ended after (\d+) calls", result.said)[1])


def all_points(options):
    total = count(options)
    if not total:
        return 0, 1
    passed = failed = kills = missed = repeated = longest = truncated = 0
    with multiprocessing.Pool(options.jobs) as pool:
        for result in pool.imap_unordered(try_point, ((p, options) for p in points(options, total))):
            passed, failed = passed + (not result.faults), failed + bool(result.faults)
            kills, missed = kills + result.kills, missed + (not result.kills)
            repeated, longest, truncated = repeated + result.repeated, max(longest, result.longest), truncated + result.truncated
            if result.faults:
                report_failure(result, options)
    print(f"repeated: {repeated} messages, at most {longest} at once; truncated records of print: {truncated}; not reached: {missed} points")
    print(f"points: {total} system calls, {kills} kills; {passed} passed, {failed} failed")
    return passed, failed


# ---- random instants


def kill_at_random(run, options):
    chance, end, last = random.Random(options.seed), time.monotonic() + options.seconds, None
    while time.monotonic() < end and run.alive() and (run.kills < options.kills or not options.kills):
        time.sleep(chance.expovariate(1.0) * min(0.1, options.seconds / max(1, options.kills)))
        worker = run.worker()
        if not options.kills or worker == last or (last and worker == run.hub.process.pid):  # the next one is not there yet
            continue
        os.kill(worker, signal.SIGKILL)
        last, run.kills = worker, run.kills + 1
        if run.kills % 5 == 0:  # on a slow machine none might ever come so far as to serve, and ten such are the end
            wait_until_one_served(run)


def wait_until_one_served(run):
    served = lambda: run.hub.stderr().count("went on after")
    before, end = served(), time.monotonic() + 20
    while run.alive() and served() == before and time.monotonic() < end:
        time.sleep(0.005)


def random_instants(options):
    folder = tempfile.mkdtemp(prefix="standpipe crash ")
    run = kind(options)(folder, count=1 << 40, seed=options.seed, readers_die=options.readers_die)
    run.start()
    run.feed(pace=0.004, until=time.monotonic() + options.seconds)
    kill_at_random(run, options)
    until_fed(run)
    run.wait_for_all(60)
    run.stop()
    run.judge()
    for fault in run.faults:
        print(f"FAIL {fault[:1000]}")
    print(f"repeated: {run.repeated} messages, at most {run.longest} at once; truncated records of print: {run.truncated}")
    sent = sum(len(m) for m in run.messages.values())
    print(f"random instants: {run.kills} kills, {sent} messages; {'failed, its folder: ' + folder if run.faults else 'passed'}")
    if not run.faults:
        shutil.rmtree(folder, ignore_errors=True)
    return (0, 1) if run.faults else (1, 0)


def until_fed(run):
    """Stops the writers; what they have sent by now is what must arrive."""
    for feeder in run.feeders:
        feeder.until = 1e-9
    for feeder in run.feeders:
        feeder.join(30)
        feeder.messages.count = feeder.sent


def main():
    options = arguments()
    os.environ["STANDPIPE_TEST_BIN"] = str(options.bin.resolve())
    with tempfile.TemporaryDirectory(prefix="standpipe killer ") as folder:
        os.environ["STANDPIPE_KILLER"] = str(compile_into(folder))
        began = time.monotonic()
        passed, failed = random_instants(options) if options.seconds else all_points(options)
    print(f"in {time.monotonic() - began:.0f} s")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
