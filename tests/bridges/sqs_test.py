# SPDX-License-Identifier: Apache-2.0
"""The bridge to Amazon SQS: emulators behind a proxy that verifies every signature, and AWS's own client as the peer."""

import base64
import contextlib
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import threading
import time

import npm
from kit import equal, process, test, until
from kit.bench import Skip
from kit.timing import SLOW
from servers import shared
from servers.sqs import KEY, TEMPORARY, Queues, Sqs, payload

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECONDS = float(os.environ.get("STANDPIPE_BRIDGE_SECONDS", "6"))

OUT = """
data_dir: state
sources: {in: {fifo: in}}
handlers:
  it: {plugin: sqs, retry: {backoff: {initial: 20ms, max: 300ms}}, options: {queue: %s, endpoint_url: "%s"%s}}
routes: [{from: in, to: it}]
"""
IN = """
data_dir: state
sources:
  it: {plugin: sqs, retry: {backoff: {initial: 20ms, max: 300ms}}, options: {queue: %s, endpoint_url: "%s"%s}}
handlers:
  out: {plugin: log, options: {path: out, format: %s, sync: never}}
routes: [{from: it, to: out}]
"""


def environment(t, key=KEY):
    """Of a hub: nothing of AWS but this, and no home with credentials."""
    kept = {k: v for k, v in process.environment(t.folder).items() if not k.startswith("AWS_") and "proxy" not in k.lower()}
    return {**kept, "HOME": str(t.folder), **key}


def sender(t, queues, queue, options="", **more):
    return t.start(OUT % (queue, queues.endpoint, options and ", " + options), env=environment(t), **more)


def receiver(t, queues, queue, options="", format="frames", **more):
    return t.start(IN % (queue, queues.endpoint, options and ", " + options, format), env=environment(t), **more)


def common_queues():
    return Queues(shared("sqs"))


@contextlib.contextmanager
def own_server(t, **options):
    server = Sqs(t.path("server"), **options)
    if why := server.missing():
        raise Skip(why)
    with server:
        yield server, Queues(server.address())


def numbered(count, first=0):
    return [b"message %d" % i for i in range(first, first + count)]


def some_of_each_kind():
    """But none beyond U+FFFF, which SQS takes as text and fauxqs refuses."""
    return [b"", b"a", "straße €".encode(), bytes(range(256)), b"\x00", b"tab\tnewline\n", b"\xef\xbf\xbf", b'{"a": "\\"}', b"x" * 200_000, os.urandom(200_000)]


def peer(t, queues, *arguments, input=b""):
    folder = t.path("peer")
    folder.mkdir(exist_ok=True)
    npm.scripts("sqs", folder)
    command = ["node", "peer.mjs", queues.endpoint, *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, env=environment(t), input=input, capture_output=True, timeout=60 * SLOW)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def received(queues, queue, count, seconds=20):
    """So many messages of a queue, in the order in which they came."""
    got = []

    def enough():
        got.extend(queues.take(queue))
        return len(got) >= count

    until(enough, f"{count} messages are in {queue}", seconds)
    return got


def send_some(hub, messages):
    hub.send("in", messages)


# ---- both ways


@test
def what_the_handler_sends_awss_own_client_receives(t):
    queues = common_queues()
    queues.create("out")
    hub = sender(t, queues, "out")
    messages = some_of_each_kind() + numbered(100)
    hub.send("in", messages)
    got = peer(t, queues, "receive", "out", len(messages))
    equal(sorted(map(payload, got)), sorted(messages))
    encoded = [m for m in got if "MessageAttributes" in m]
    equal(len(encoded), 5, "messages that had to be base64")
    hub.stop().all_delivered(len(messages))
    equal(queues.control()["refused"], [], "signatures that were refused")


@test
def what_awss_own_client_sends_the_source_brings_with_its_attributes(t):
    queues = common_queues()
    queues.create("brought")
    texts = ["one", "straße €", "x" * 200_000] + [f"message {i}" for i in range(50)]
    entries = [{"MessageBody": text} for text in texts]
    entries[0]["MessageAttributes"] = {
        "key": {"DataType": "String", "StringValue": "k7"},
        "count": {"DataType": "Number", "StringValue": "12"},
        "raw": {"DataType": "Binary", "BinaryValue": base64.b64encode(b"\x00\xff").decode()},
    }
    for empty_or_binary, body in ((b"", "\n"), (b"\x00\x01", "AAE=")):
        texts.append(empty_or_binary)
        entries.append({"MessageBody": body, "MessageAttributes": {"encoding": {"DataType": "String", "StringValue": "base64"}}})
    hub = receiver(t, queues, "brought", format="jsonl")
    peer(t, queues, "send", "brought", input="".join(json.dumps(e) + "\n" for e in entries).encode())
    until(lambda: t.path("out").exists() and t.path("out").read_bytes().count(b"\n") == len(texts), "all are brought")
    until(lambda: queues.waiting("brought") == (0, 0), "all are deleted")
    hub.stop().all_delivered(len(texts))
    lines = [json.loads(line) for line in t.path("out").read_text().splitlines()]
    got = [line["text"].encode() if "text" in line else base64.b64decode(line["base64"]) for line in lines]
    equal(sorted(got), sorted(text if isinstance(text, bytes) else text.encode() for text in texts))
    meta = next(line for line in lines if line.get("text") == "one")["meta"]
    equal({k: v for k, v in meta.items() if not k.startswith("sqs.")}, {"key": "k7", "count": "12", "raw": {"base64": "AP8="}})
    assert {"sqs.message_id", "sqs.sent_timestamp", "sqs.approximate_receive_count"} <= set(meta), meta
    binary = next(line for line in lines if line.get("text") == "\x00\x01")
    assert "encoding" not in binary["meta"], binary
