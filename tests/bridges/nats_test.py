# SPDX-License-Identifier: Apache-2.0
"""The bridge to NATS JetStream, between a hub and a real nats-server, both ways."""

import json
import os
import random
import signal
import subprocess
import time

from kit import Reader, equal, frame, test, until
from kit.timing import SLOW
from nats_client import Client, trusting
from servers import shared
from servers.nats import Nats

OUT = """
data_dir: state
sources: {in: {fifo: in}}
handlers:
  it: {plugin: nats, options: {servers: [%s], %s}}
routes: [{from: in, to: it}]
"""

IN = """
data_dir: state
sources:
  it: {plugin: nats, options: {servers: [%s], %s}}
handlers:
  out: {plugin: log, options: {path: out, format: %s}}
routes: [{from: it, to: out}]
"""


def out_of_hub(t, url, options, **more):
    return t.start(OUT % (url, options), **more)


def into_hub(t, url, options, format="frames", **more):
    return t.start(IN % (url, options, format), **more)


def stream(client, t):
    """A stream of the test's own, on a server that others use, too. Its subjects begin with its name."""
    name = f"S{os.getpid()}"
    client.add_stream(name, f"{name}.>")
    return name


def numbered(count, size=0):
    return [(b"message %d " % i).ljust(size, b".") for i in range(count)]


CONTENTS = [b"", b"x", bytes(range(256)), b"\r\n", b"MSG a 1 5\r\nhello\r\n", b"\0" * 1000, os.urandom(900_000)]


# ---- content


@test
def what_a_hub_publishes_is_in_the_stream_byte_for_byte(t):
    with Client(shared("nats")) as client:
        name = stream(client, t)
        hub = out_of_hub(t, shared("nats"), f"subject: {name}.out")
        messages = CONTENTS + numbered(5000)
        hub.send("in", messages)
        hub.stop().all_delivered(len(messages))
        read = client.read_all(name)
        equal([m.payload for m in read], messages)
        equal({m.subject for m in read}, {f"{name}.out"})
        equal(len({m.header("Nats-Msg-Id") for m in read}), len(messages), "ids")


@test
def what_is_in_the_stream_is_brought_byte_for_byte(t):
    with Client(shared("nats")) as client:
        name = stream(client, t)
        messages = CONTENTS + numbered(5000)
        client.put(f"{name}.in", messages)
        hub = into_hub(t, shared("nats"), f"stream: {name}, durable: hub")
        t.until_logged("out", messages)
        more = numbered(10)
        client.put(f"{name}.in", more)
        t.until_logged("out", messages + more)
        until(lambda: client.consumer(name, "hub")["ack_floor"]["stream_seq"] == len(messages + more), "all are acknowledged")
        hub.stop().all_delivered(len(messages + more))
        equal(t.frames("out"), messages + more)
        consumer = client.consumer(name, "hub")
        equal((consumer["num_ack_pending"], consumer["num_redelivered"], consumer["num_pending"]), (0, 0, 0))


@test
def headers_and_the_subject_are_metadata_and_metadata_are_headers(t):
    with Client(shared("nats")) as client:
        name = stream(client, t)
        client.add_stream(f"{name}B", f"{name}B.>")
        client.put(f"{name}.a.b", [b'{"id": 7}'], [("Device", "one"), ("Color", "red"), ("Color", "blue"), ("Nats-Msg-Id", "mine")])
        hub = t.start(f"""
data_dir: state
sources:
  it: {{plugin: nats, options: {{servers: [{shared("nats")}], stream: {name}, durable: hub}}}}
handlers:
  file: {{plugin: log, options: {{path: out, format: jsonl}}}}
  back:
    plugin: nats
    options:
      servers: [{shared("nats")}]
      subject: "{name}B.{{json:/id|none}}.{{meta:Device}}"
      headers: {{From: "{{meta:subject}}", Number: "{{meta:stream_sequence}}"}}
      msg_id: "{{json:/id}}"
routes: [{{from: it, to: [file, back]}}]
""")
        until(lambda: client.stream(f"{name}B")["messages"] == 1, "it is published")
        hub.stop().all_delivered(1)
        (record,) = [json.loads(line) for line in t.path("out").read_text().splitlines()]
        meta = sorted((k, v) for k, v in record["meta"].items())
        t.path("meta").write_text(str(meta))
        (back,) = client.read_all(f"{name}B")
        equal(back.subject, f"{name}B.7.one")
        expected = [("Color", "blue"), ("Color", "red"), ("Device", "one"), ("From", f"{name}.a.b"), ("Nats-Msg-Id", "7"), ("Number", "1")]
        equal(sorted(back.headers), expected)
        for pair in (("Device", "one"), ("subject", f"{name}.a.b"), ("stream", name), ("stream_sequence", "1"), ("num_delivered", "1")):
            assert pair in meta, f"{pair} is not in {meta}"
