# SPDX-License-Identifier: Apache-2.0
"""The client libraries in C and Python: against a hub, each other, and the programs that know nothing of them."""

import errno
import itertools
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import zlib
from collections import Counter

from interop_test import BETWEEN, HERE, MESSAGES, SIZES, assert_read, their_reader, their_writer
from kit import SLOW, bytes_waiting, equal, process, stream, test, until
from kit.bench import Skip
from kit.compiler import compile_c
from writer import content

sys.path.insert(0, str(HERE.parents[1] / "sdk/python/src"))

from standpipe.client import Receiver, Requester, Sender, Worker, reply  # noqa: E402

INCLUDE = HERE.parents[1] / "sdk" / "include"
LANGUAGES = ["c", "python"]
PAIRS = list(itertools.product(LANGUAGES, LANGUAGES))
FEW = [0, 1, 4092, 4093, 100_000, 3]
FORWARDED = """
sources: {in: {fifo: in}}
handlers: {next: {plugin: forward, options: {fifo: next}}}
routes: [{from: in, to: next}]
"""


def program(t, language):
    if language == "python":
        return [sys.executable, HERE / "client.py"]
    compiled = t.path("client")
    if not compiled.exists():
        compile_c(HERE / "client.c", compiled, "-std=c11", "-Wpedantic", f"-I{INCLUDE}")
    return [compiled]


def client(t, language, *words, **options):
    return process.spawn([*program(t, language), *map(str, words)], **options)


def reading(t, language, *words):
    """A reader that has made its FIFO."""
    reader = client(t, language, *words, stdout=subprocess.PIPE)
    until(lambda: t.path(words[1]).exists(), "the reader has made its FIFO")
    return reader


def as_work(sizes, attempt=1):
    return sorted(f"{s} {zlib.crc32(content(n, s))} {attempt}" for n, s in enumerate(sizes))


def lines(reader):
    said, _ = reader.communicate(timeout=60 * SLOW)
    equal(reader.returncode, 0)
    return said.decode().splitlines()


def without_attempts(works):
    return sorted(line.rpartition(" ")[0] for line in works)


def left_behind(t, fifo):
    return [name for name in os.listdir(t.path(f"{fifo}.work")) if not name.startswith("next-")]


@test
def a_client_sends_through_a_hub_to_a_client(t):
    for sends, receives in PAIRS:
        reader = reading(t, receives, "receive", t.path("next"), len(SIZES))
        sender = client(t, sends, "send", t.path("in"), *SIZES)  # before there is a hub: it waits for one
        hub = t.start(BETWEEN % "[next, out]")
        equal(sender.wait(timeout=60 * SLOW), 0)
        assert_read(reader)
        hub.stop().all_delivered(len(SIZES))
        equal(t.frames("out"), MESSAGES)
        t.path("out").unlink()


@test
def a_client_and_the_plain_programs_understand_each_other(t):
    for language in LANGUAGES:
        reader = reading(t, language, "receive", t.path(f"a {language}"), len(SIZES))
        equal(their_writer(t, f"a {language}").wait(timeout=60 * SLOW), 0)
        assert_read(reader)
        reader = their_reader(t, f"b {language}")
        equal(client(t, language, "send", t.path(f"b {language}"), *SIZES).wait(timeout=60 * SLOW), 0)
        assert_read(reader)


@test
def clients_and_the_command_line_share_a_work_queue(t):
    workers = [reading(t, language, "work", t.path("work"), 2000) for language in LANGUAGES]
    shared = [process.program(), "recv", t.path("work"), "--shared", "--format", "json", "--timeout", "2s"]
    by_command = process.spawn(shared, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    sizes = [n % 50 for n in range(2000)]
    for sender in [client(t, language, "send", t.path("work"), *sizes) for language in LANGUAGES]:
        equal(sender.wait(timeout=60 * SLOW), 0)
    by_clients = [lines(worker) for worker in workers]
    by_command = [json.loads(line)["text"].encode() for line in lines(by_command)]
    assert all(by_clients) and by_command, "somebody got nothing"
    all_of_them = sum(by_clients, []) + [f"{len(m)} {zlib.crc32(m)} 1" for m in by_command]
    equal(sorted(all_of_them), sorted(as_work(sizes) * 2))
    equal(left_behind(t, "work"), [])


@test
def what_a_killed_worker_had_another_one_gets_in_whatever_language(t):
    for had, gets in PAIRS:
        fifo = t.path(f"{had} {gets}")
        holder = reading(t, had, "hold", fifo)
        keeps = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)  # so the sender does not lose its reader
        sender = client(t, gets, "send", fifo, *FEW)
        first = holder.stdout.readline().decode().rstrip()
        worker = client(t, gets, "work", fifo, 2500, stdout=subprocess.PIPE)
        holder.kill()
        holder.wait()
        equal(sorted(lines(worker)), sorted((set(as_work(FEW)) - {first}) | {first[:-1] + "2"}))
        equal(sender.wait(timeout=20 * SLOW), 0)
        os.close(keeps)
        equal(left_behind(t, fifo.name), [])


@test(seconds=180)
def a_worker_killed_at_each_of_its_system_calls_loses_and_repeats_nothing(t):
    if not shutil.which("strace") or process.is_instrumented():
        raise Skip("strace is not installed, or the hub is watched")
    sizes = [5, 70_000, 5, 0]
    t.path("data").write_bytes(stream([content(n, s) for n, s in enumerate(sizes)]))
    calls, killed, _ = worked(t, "traced", sizes, "-e", "trace=all")
    begins = next(i for i, call in enumerate(calls) if call.startswith("mknod"))
    ends = max(i for i, call in enumerate(calls) if call.startswith("unlinkat"))
    equal((killed, ends - begins > 60), (0, True), f"{len(calls)} system calls")
    count, kills = Counter(calls[:begins]), 0
    for call in calls[begins : ends + 1]:
        count[call] += 1
        _, killed, why = worked(t, f"{call} {count[call]}", sizes, "-e", f"inject={call}:signal=KILL:when={count[call]}")
        assert not why, f"killed at call {count[call]} of {call}: {why}"
        kills += killed == -signal.SIGKILL
    assert kills > 0.9 * (ends - begins), f"only {kills} of {ends - begins} calls came, and ended it"  # how often it waits differs


def worked(t, name, sizes, *tracing):
    """A worker under strace, and then another one. Returns the first one's system calls, its end, and what is wrong with what both did."""
    fifo = t.path(name)
    os.mkfifo(fifo, 0o600)
    keeps = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)  # so the writer does not lose its reader
    writer = process.spawn(["sh", "-c", 'cat "$1" >"$2"', "sh", t.path("data"), fifo])
    until(lambda: bytes_waiting(keeps) >= 60_000, "the FIFO is full")
    command = ["strace", "-qq", "-o", t.path("trace"), *tracing, *program(t, "c"), "work", fifo, "1000"]
    first = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    # What the first one printed just before its end may not have been acknowledged: that one message comes twice.
    before, then = first.stdout.decode().splitlines(), []
    wanted = Counter(without_attempts(as_work(sizes)))
    for _ in range(20):  # the writer may be slower than a worker is patient
        then += lines(client(t, "c", "work", fifo, 80, stdout=subprocess.PIPE))
        both = Counter(without_attempts(before)) + Counter(without_attempts(then))
        if not wanted - both:
            break
    equal(writer.wait(), 0)
    os.close(keeps)
    repeated = [f"{work} 2" for work in (both - wanted).elements()]
    is_well = not wanted - both and len(repeated) <= 1 and set(repeated) <= set(then) and not left_behind(t, name)
    calls = re.findall(r"^(\w+)\(", t.path("trace").read_text(), re.MULTILINE)
    return calls, first.returncode, "" if is_well else f"{before}, then {then}, and {left_behind(t, name)} are left"


@test
def workers_of_a_hub_that_are_killed_at_any_time_lose_nothing(t):
    hub = t.start(FORWARDED)
    sizes = [(n * 37) % 9000 for n in range(1500)] + [200_000, 70_000]
    sender = client(t, "c", "send", t.path("in"), *sizes)
    chance = random.Random(7)
    got, deadline = [], time.monotonic() + 40 * SLOW
    stays = reading(t, "c", "work", t.path("next"), 4000)
    while sender.poll() is None and time.monotonic() < deadline:
        worker = client(t, chance.choice(LANGUAGES), "work", t.path("next"), 60_000, stdout=subprocess.PIPE)
        time.sleep(chance.uniform(0.05, 0.4))
        worker.kill()
        got += worker.communicate()[0].decode().splitlines()
    equal(sender.wait(timeout=60 * SLOW), 0)
    got += lines(stays)
    whole = [line for line in got if re.fullmatch(r"\d+ \d+ \d+", line)]
    missing = Counter(without_attempts(as_work(sizes))) - Counter(without_attempts(whole))
    assert not missing, f"{sum(missing.values())} are missing: {list(missing)[:5]}"
    equal(left_behind(t, "next"), [])
    hub.stop().all_delivered(len(sizes))


@test
def a_requester_and_a_service_understand_each_other_in_whatever_language(t):
    for asks, serves in PAIRS:
        requests, replies = t.path(f"{asks} {serves}"), t.path("replies")
        service = reading(t, serves, "serve", requests, replies, 20)
        answers = [json.loads(line) for line in lines(client(t, asks, "request", requests, replies, 20, stdout=subprocess.PIPE))]
        equal([a["seen"] for a in answers], [str(n) for n in range(1, 21)])
        equal(len({a["id"] for a in answers}), 20)
        equal(service.wait(timeout=20 * SLOW), 0)
        equal(os.listdir(replies), [])


@test
def a_service_that_is_away_costs_a_requester_its_time_alone(t):
    with Receiver(t.path("requests")) as requests, Requester(t.path("requests"), t.path("replies"), 5) as asks:
        equal(asks.request({"n": 1}, 0.05), None)
        late = requests.receive(5)
        with Sender(t.path("replies") / asks.reply_to, 5) as to:
            reply(to, late, {"to": 1})
            reply(to, late, {"to": 1})
        equal((asks.request({"n": 2}, 0.05), asks.late), (None, 2))
        equal(json.loads(requests.receive(5))["n"], 2)


@test
def a_service_replies_to_what_a_worker_has_received(t):
    with Worker(t.path("requests")) as requests, Requester(t.path("requests"), t.path("replies"), 5) as asks:
        equal(asks.request({"n": 1}, 0.05), None)
        with Sender(t.path("replies") / asks.reply_to, 5) as to:
            reply(to, requests.receive(5), {"n": 1})
        requests.acknowledge()
        equal((asks.request({"n": 2}, 0.05), asks.late), (None, 1))


@test
def clients_say_what_is_wrong_as_the_system_does(t):
    def fails(kind, number, do):
        try:
            do()
        except kind as e:
            return equal(os.strerror(e.errno), os.strerror(number))
        raise AssertionError(f"{kind} was expected")

    t.path("file").touch()
    fails(TimeoutError, errno.ETIMEDOUT, lambda: Sender(t.path("nobody"), 0.02))
    fails(OSError, errno.ENOTSUP, lambda: Receiver(t.path("file")))
    with Receiver(t.path("in"), message_max=10) as messages, Sender(t.path("in"), 1, message_max=11) as out:
        fails(OSError, errno.EMSGSIZE, lambda: out.send(bytes(12)))
        out.send(bytes(11))
        fails(OSError, errno.EMSGSIZE, lambda: messages.receive(1))
    with Worker(t.path("work")) as worker, Sender(t.path("work"), 1) as out:
        fails(OSError, errno.ENOENT, worker.acknowledge)
        out.send(b"one")
        equal(worker.receive(1), (b"one", 1))
        fails(OSError, errno.EBUSY, lambda: worker.receive(0))
        t.path("work.work").chmod(0o777)
        fails(OSError, errno.EPERM, lambda: Worker(t.path("work")))
        try:
            reply(out, b'{"id":1}', {})
            raise AssertionError("a reply to nobody")
        except ValueError:
            pass
    t.path("open").mkdir()
    t.path("open").chmod(0o777)
    fails(OSError, errno.EPERM, lambda: Requester(t.path("in"), t.path("open")))


@test
def a_sender_whose_reader_left_inside_a_large_message_says_so(t):
    for language in LANGUAGES:
        fifo = t.path(language)
        os.mkfifo(fifo)
        fd = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        sender = client(t, language, "send", fifo, 200_000, stderr=subprocess.PIPE)
        until(lambda: bytes_waiting(fd) > 60_000, "it has begun")
        os.close(fd)
        _, said = sender.communicate(timeout=20 * SLOW)
        assert sender.returncode != 0 and sender.returncode != -signal.SIGPIPE and b"Broken pipe" in said, said

