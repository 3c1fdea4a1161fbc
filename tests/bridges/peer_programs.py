# SPDX-License-Identifier: Apache-2.0
"""Programs beside the hubs that speak another library's protocol, and what the tests of bridges without a server share."""

import base64
import contextlib
import json
import os
import pathlib
import random
import re
import shlex
import signal
import subprocess
import sys
import time

from kit import SLOW, equal, process, until
from servers import free_port

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "crash"))

from killer import children_of, worker_of  # noqa: E402 (its folder must be known first)

HERE = pathlib.Path(__file__).resolve().parent
CHAOS_SECONDS = float(os.environ.get("STANDPIPE_BRIDGE_SECONDS", "6"))


class Peer:
    """A program, ended with the test."""

    def __init__(self, t, *words, stdout=subprocess.PIPE):
        self.process = process.spawn(words, cwd=t.folder, stdin=subprocess.PIPE, stdout=stdout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def wait(self, seconds=30):
        equal(self.process.wait(seconds), 0, "status of the peer")


# ---- their files: a message is a line, a JSON list of frames in base64


def write_messages(t, messages):
    t.path("sent").write_text("".join(json.dumps([base64.b64encode(f).decode() for f in frames]) + "\n" for frames in messages))


def got(t, file="got"):
    lines = t.path(file).read_text().splitlines(keepends=True) if t.path(file).exists() else []
    return [[base64.b64decode(f) for f in json.loads(line)] for line in lines if line.endswith("\n")]


def until_got(t, count, seconds=20):
    until(lambda: len(got(t)) >= count, f"{count} messages have come", seconds)
    return got(t)


# ---- messages


def numbered(first, count):
    return [b"message %d" % i for i in range(first, first + count)]


KINDS_OF_PAYLOADS = [b"", b"x", bytes(range(256)), b"\xff\0\n" * 1000, b"large" * 1_000_000, *numbered(0, 3000)]


def no_old_one_behind_a_new_one(messages):
    """A repeat goes back to the first one that was not safe; from there on all come again, without a gap."""
    numbers = [int(m.split()[1]) for m in messages]
    for before, after in zip(numbers, numbers[1:]):
        assert after <= before + 1, f"{after} came after {before}"


def lines(t, name):
    data = t.path(name).read_bytes() if t.path(name).exists() else b""
    return data[: data.rfind(b"\n") + 1].splitlines()


def logged(t):
    """Records of a log `out` of format jsonl, as (payload, metadata)."""
    records = [json.loads(line) for line in lines(t, "out")]
    return [(value(record), {name: value(v) for name, v in record.get("meta", {}).items()}) for record in records]


def value(record):
    if not isinstance(record, dict):
        return [value(one) for one in record] if isinstance(record, list) else record.encode()
    return record["text"].encode() if "text" in record else base64.b64decode(record["base64"])


# ---- hubs


def tcp():
    return f"tcp://127.0.0.1:{free_port()}"


def delivered(hub):
    return hub.account_now().of("in -> away")["delivered"]


def descendants_of(pid):
    for child in children_of(pid):
        yield child
        yield from descendants_of(child)


def kill_one(hub, chance=random):
    """Any process of the hub but its keeper."""
    victims = list(descendants_of(hub.process.pid))
    if victims:
        with contextlib.suppress(ProcessLookupError):
            os.kill(chance.choice(victims), signal.SIGKILL)


def end_by_killing_the_keeper(hub):
    worker = until(lambda: (w := worker_of(hub.process.pid)) != hub.process.pid and w, "there is a worker")
    os.kill(hub.process.pid, signal.SIGKILL)
    hub.wait_status(20)
    until(lambda: not pathlib.Path(f"/proc/{worker}/exe").exists(), "its worker has ended, too", 40)


def kill_the_keeper(hub):
    """While a worker answers: what dies with both at once is lost, as RECOVERY.md says. Then the hub is started again."""

    def answers():
        with contextlib.suppress(AssertionError):  # a worker has just been killed
            return hub.account_now()

    until(answers, "a worker answers", 30)
    end_by_killing_the_keeper(hub)
    hub.start()


def run_while_processes_die(hub, far, burst):
    """For CHAOS_SECONDS: so many messages go into `in`, and a process of either hub dies, its keeper at times; then `hub` stops.
    Returns how many messages were sent, and how many processes died."""
    seed = int.from_bytes(os.urandom(4), "little")
    print(f"seed {seed}")
    chance = random.Random(seed)
    end = time.monotonic() + CHAOS_SECONDS * SLOW
    sent = deaths = keepers = 0
    while time.monotonic() < end:
        hub.send("in", numbered(sent, burst))
        sent += burst
        victim = chance.choice([hub, far])
        if chance.random() < 0.08:
            kill_the_keeper(victim)
            keepers += 1
        else:
            kill_one(victim, chance)
        deaths += 1
        time.sleep(chance.random() * 0.6)  # between deaths
    hub.stop(seconds=60).all_settled()
    print(f"{deaths} deaths, {keepers} of them of keepers")
    return sent, deaths


def came_in_order(t, far, sent, repeats_most):
    """To the log `out` of the other hub, which stops; messages first appear in their order."""
    far.stop(seconds=60).all_settled()
    arrived = t.frames("out")
    equal(list(dict.fromkeys(arrived)), numbered(0, sent))
    repeats = len(arrived) - sent
    print(f"{sent} messages, {repeats} repeats")
    assert repeats <= repeats_most, f"{repeats} repeats of {sent}, which cannot be more than {repeats_most}"


def does_what_its_readme_shows(t, plugin):
    """Each command of the README, with this test's folder for /tmp; and the example's own tests."""
    readme = (plugin / "README.md").read_text()
    (commands,), (shown,) = (re.findall(rf"^```{kind}\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL) for kind in ("sh", "output"))
    runs, sends = commands.splitlines()
    equal(runs, f"standpipe run plugins/{plugin.name}/example.yaml &")
    said, err = t.run("check", plugin / "example.yaml")
    equal((said[:3], err), (b"ok:", ""))
    said, _ = t.run("test", plugin / "example.yaml")
    assert re.search(rb"^2 passed, 0 failed", said, re.MULTILINE), said
    yaml = (plugin / "example.yaml").read_text().replace("/tmp/standpipe-", f"{t.folder}/")
    hub = t.start(yaml + f"data_dir: '{t.folder}/state'\n")
    t.run(*shlex.split(sends.replace("/tmp/standpipe-", shlex.quote(f"{t.folder}/")))[1:])
    until(lambda: hub.stdout() == shown.encode(), "the screen shows it")
    hub.stop().all_delivered(1, 1)


def a_stop_is_not_held_up_by(t, peer, yaml):
    """A peer that has a first message, and then reads no more, of a hub with that configuration."""
    hub = t.start(yaml)
    hub.send("in", [b"first"])
    until_got(t, 1)
    os.kill(peer.process.pid, signal.SIGSTOP)
    hub.send("in", [bytes(1_000_000)] * 40)
    began = time.monotonic()
    account = hub.stop(seconds=20)
    assert time.monotonic() - began < 12 * SLOW, "the stop took too long"
    equal(account.of("in")["accepted"], 41)
    part = account.of("in -> away")
    assert 1 <= part["delivered"] < 41 and part["delivered"] + part["in_flight"] == 41, part
