# SPDX-License-Identifier: Apache-2.0
"""Programs beside the hubs that speak another library's protocol, and what the tests of bridges without a server share."""

import base64
import contextlib
import json
import os
import pathlib
import random
import signal
import subprocess

from kit import equal, process, until
from kit.hub import process_folder
from servers import free_port

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


def children_of(pid):
    with contextlib.suppress(OSError):
        for task in (process_folder(pid) / "task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                yield child
                yield from children_of(child)


def kill_one(hub, chance=random):
    """Any process of the hub but its keeper."""
    victims = list(children_of(hub.process.pid))
    if victims:
        with contextlib.suppress(ProcessLookupError):
            os.kill(chance.choice(victims), signal.SIGKILL)
