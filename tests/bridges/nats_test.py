# SPDX-License-Identifier: Apache-2.0
"""The bridge to NATS JetStream, between a hub and a real nats-server, both ways."""

import contextlib
import json
import os
import pathlib
import random
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time

from kit import equal, frames_in, test, until
from kit.bench import Skip
from kit.timing import SLOW
from nats_client import Client, trusting
from nats_jwt import Operator, creds, login
from peer_programs import end_by_killing_the_keeper, kill_the_keeper
from servers import free_port, shared
from servers.nats import Nats

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "crash"))

from killer import children_of, worker_of  # noqa: E402 (its folder must be known first)

README = pathlib.Path(__file__).resolve().parents[2] / "plugins/nats/README.md"

OUT = """
data_dir: state
sources: {in: {fifo: in}}
handlers:
  it: {plugin: nats, options: {servers: [%s], %s}}
routes: [{from: in, to: it}]
"""

IN = """
data_dir: state-in
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
        (back,) = client.read_all(f"{name}B")
        equal(back.subject, f"{name}B.7.one")
        expected = [("Color", "blue"), ("Color", "red"), ("Device", "one"), ("From", f"{name}.a.b"), ("Nats-Msg-Id", "7"), ("Number", "1")]
        equal(sorted(back.headers), expected)
        for pair in (("Device", "one"), ("subject", f"{name}.a.b"), ("stream", name), ("stream_sequence", "1"), ("num_delivered", "1")):
            assert pair in meta, f"{pair} is not in {meta}"


@test
def an_id_that_repeats_is_dropped_by_the_stream_and_is_delivered_all_the_same(t):
    with Client(shared("nats")) as client:
        name = stream(client, t)
        hub = out_of_hub(t, shared("nats"), f'subject: {name}.out, msg_id: "{{json:/id}}"')
        hub.send("in", [b'{"id":1}', b'{"id":2}', b'{"id":1}'])
        hub.stop().all_delivered(3)
        equal([m.payload for m in client.read_all(name)], [b'{"id":1}', b'{"id":2}'])


PEER = """
import asyncio, json, sys
import nats

async def main(url, stream, count):
    connection = await nats.connect(url)
    context = connection.jetstream()
    reader = await context.pull_subscribe(stream + ".out", stream=stream)
    got = []
    while len(got) < count:
        for message in await reader.fetch(min(100, count - len(got)), timeout=20):
            got.append([message.data.hex(), dict(message.headers or {})])
            await message.ack()
    for data, _ in got:
        await context.publish(stream + ".in", bytes.fromhex(data), headers={"Peer": "nats-py"})
    print(json.dumps(got))
    await connection.close()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


def nats_py():
    """Where NATS's own client for Python lies, which pip puts into a cache; skips the test if it cannot."""
    wanted = "nats-py==2.16.0"
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "standpipe-tests" / wanted
    if not cache.exists():
        new = cache.with_name(f"{wanted}.{os.getpid()}")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check", "--target", new, wanted]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise Skip(f"pip cannot install {wanted}: {done.stderr.strip().splitlines()[-1:]}")
        with contextlib.suppress(OSError):  # somebody else was faster
            new.rename(cache)
    return cache


@test(seconds=120)
def another_client_library_reads_what_a_hub_publishes_and_a_hub_what_it_publishes(t):
    peer = {**os.environ, "PYTHONPATH": str(nats_py())}
    with Client(shared("nats")) as client:
        name = stream(client, t)
        hub = out_of_hub(t, shared("nats"), f'subject: {name}.out, headers: {{From: "{{source}}"}}')
        messages = CONTENTS + numbered(300)
        hub.send("in", messages)
        hub.stop().all_delivered(len(messages))
        command = [sys.executable, "-c", PEER, shared("nats"), name, str(len(messages))]
        done = subprocess.run(command, env=peer, capture_output=True, text=True, timeout=60 * SLOW)
        assert done.returncode == 0, done.stderr
        got = json.loads(done.stdout)
        equal([bytes.fromhex(data) for data, _ in got], messages)
        equal({headers["From"] for _, headers in got}, {"in"})
        reading = into_hub(t, shared("nats"), f"stream: {name}, durable: hub, filter_subject: {name}.in")
        t.until_logged("out", messages)
        reading.stop().all_delivered(len(messages))
        equal(t.frames("out"), messages)


# ---- refusals


def fails_to_open(t, url, options, said, template=OUT):
    """The hub runs on and holds the one that cannot be opened."""
    hub = t.start(template % ((url, options) if template == OUT else (url, options, "frames")))
    hub.says(said)
    account = hub.stop()
    assert "hunter2" not in hub.stderr() + hub.stdout().decode(), "a secret was said"
    return account


@test
def a_subject_without_a_stream_holds_the_handler_and_says_so(t):
    fails_to_open(t, shared("nats"), "subject: nobody.takes.this", r"it.*no stream takes messages of the subject nobody\.takes\.this: create one")


@test
def a_missing_stream_or_consumer_holds_the_source_and_says_so(t):
    fails_to_open(t, shared("nats"), "stream: NONE, durable: hub", r"it.*there is no stream NONE: create it", IN)
    with Client(shared("nats")) as client:
        name = stream(client, t)
        options = f"stream: {name}, durable: hub, create_consumer: false"
        fails_to_open(t, shared("nats"), options, rf"it.*the stream {name} has no consumer hub: create it", IN)
        assert not client.has_consumer(name, "hub")


@test
def a_consumer_that_would_lose_messages_is_refused(t):
    with Client(shared("nats")) as client:
        name = stream(client, t)
        client.api(f"CONSUMER.DURABLE.CREATE.{name}.none", stream_name=name, config={"durable_name": "none", "ack_policy": "none"})
        fails_to_open(t, shared("nats"), f"stream: {name}, durable: none", r"it.*another ack policy than explicit", IN)


@test
def wrong_credentials_hold_the_handler_and_no_secret_is_said(t):
    with Nats(t.path("server"), "authorization { user: me, password: hunter2 }") as server:
        t.path("secret").write_text("hunter2\n")
        t.path("wrong").write_text("hunter3\n")
        with Client(server.address(), user="me", **{"pass": "hunter2"}) as client:
            client.add_stream("S", "s.>")
            wrong = "refuses to let us in .*: check user and password"
            fails_to_open(t, server.address(), "subject: s.a, user: me, password_file: wrong", rf"it.*{wrong}")
            fails_to_open(t, server.address(), "stream: S, durable: hub, user: me, password: hunter3", rf"it.*{wrong}", IN)
            hub = out_of_hub(t, server.address(), "subject: s.a, user: me, password_file: secret")
            hub.send("in", [b"one"])
            hub.stop().all_delivered(1)
            equal([m.payload for m in client.read_all("S")], [b"one"])
            assert "hunter2" not in hub.stderr()


@test
def a_subject_that_the_user_may_not_use_holds_the_handler_and_a_question_that_he_may_not_ask_does_not(t):
    deny = '["s.secret", "$JS.API.STREAM.NAMES", "$JS.API.CONSUMER.INFO.>"]'
    users = f"{{user: me, password: hunter2, permissions: {{publish: {{deny: {deny}}}}}}}, {{user: other, password: hunter2}}"
    with Nats(t.path("server"), f"authorization {{ users: [{users}] }}") as server:
        with Client(server.address(), user="other", **{"pass": "hunter2"}) as client:
            client.add_stream("S", "s.>")
            me = "user: me, password: hunter2, timeout: 500ms"
            hub = out_of_hub(t, server.address(), f"subject: s.open, {me}")
            hub.send("in", [b"one"])
            until(lambda: client.stream("S")["messages"] == 1, "it is published")
            hub.stop().all_delivered(1)
            hub = out_of_hub(t, server.address(), f"subject: s.secret, {me}")
            hub.send("in", [b"two"])
            hub.says(r"it is held: the server refuses it \(Permissions Violation .*s\.secret.*\): give the user this permission")
            hub.stop().says("in", accepted=1).says("in -> it", in_flight=1)
            fails_to_open(t, server.address(), f"stream: S, durable: hub, {me}", "it.*server refuses it .*CONSUMER.INFO", IN)


@test
def a_secret_inside_a_url_is_refused_and_not_said(t):
    t.path("hub.yaml").write_text("version: 1\n" + OUT % ("nats://me:hunter2@127.0.0.1:4222", "subject: a"))
    _, err = t.run("check", "hub.yaml", status=78)
    assert "a URL must not have a user, password or token in it" in err, err
    # Of the line that it quotes from the user's own file, more cannot be asked.
    assert not [line for line in err.splitlines() if "hunter2" in line and " | " not in line], err


@test
def what_is_too_large_or_has_no_subject_is_dead_lettered_and_the_others_pass(t):
    with Nats(t.path("server"), "max_payload: 4KB") as server, Client(server.address()) as client:
        client.add_stream("S", "s.>", max_msg_size=2000)
        hub = out_of_hub(t, server.address(), 'subject: "s.{json:/to}"')
        messages = [b'{"to":"%s"%s}' % (to, b" " * size) for to, size in
                    ((b"a", 0), (b"a", 5000), (b"a", 3000), (b"b c", 0), (b"*", 0), (b"a.b", 0), (b"$x", 0))]
        hub.send("in", [*messages, b"no json", b'{"to":"last"}'])
        for why in ("above the server's max_payload of 4096 bytes", "above the stream's max_msg_size", "a space or a control character",
                    "it has a wildcard", "the message has no {json:/to}: its payload is no JSON"):
            hub.says(rf"dead-lettered \(rejected\): .*{why}")
        hub.stop().says("in", accepted=9).says("in -> it", delivered=4, dead_lettered=5, dead_letters={"rejected": 5})
        equal([m.subject for m in client.read_all("S")], ["s.a", "s.a.b", "s.$x", "s.last"])


@test
def a_subject_that_a_message_chose_and_no_stream_takes_is_dead_lettered(t):
    with Client(shared("nats")) as client:
        name = stream(client, t)
        hub = out_of_hub(t, shared("nats"), 'subject: "{json:/to}"')
        good = b'{"to":"%s.a"}' % name.encode()
        hub.send("in", [good, b'{"to":"nobody.at.all"}', b'{"to":"$JS.API.STREAM.DELETE.%s"}' % name.encode(), good])
        hub.says(r"dead-lettered \(rejected\): .*no stream takes the subject nobody\.at\.all")
        hub.says(r"dead-lettered \(rejected\): .*subjects that begin with \$ are the server's own")
        hub.stop().says("in", accepted=4).says("in -> it", delivered=2, dead_lettered=2, dead_letters={"rejected": 2})
        equal(client.stream(name)["messages"], 2)


@test
def a_subject_that_a_message_chose_and_the_user_may_not_use_is_dead_lettered_and_the_others_pass(t):
    users = '{user: me, password: hunter2, permissions: {publish: {deny: ["s.secret.>"]}}}, {user: other, password: hunter2}'
    with Nats(t.path("server"), f"authorization {{ users: [{users}] }}") as server:
        with Client(server.address(), user="other", **{"pass": "hunter2"}) as client:
            client.add_stream("S", "s.>")
            hub = out_of_hub(t, server.address(), 'subject: "s.{json:/to}", user: me, password: hunter2')
            def to(subject, count):
                return [b'{"to":"%s","n":%d}' % (subject, i) for i in range(count)]
            sent = [m for some in zip(to(b"a", 200), to(b"secret.x", 200), to(b"secret.y", 200), to(b"b", 200)) for m in some]
            long = b'{"to":"secret.%s"}' % (b"z" * 300)  # the library cuts what the server says of it
            hub.send("in", [*sent, long])
            hub.says(r"dead-lettered \(rejected\): the server does not permit the subject s\.secret\.x: give the user this permission")
            until(lambda: hub.account_now().of("in -> it")["in_flight"] == 0, "all are settled")
            hub.send("in", [b'{"to":"secret.again"}', b'{"to":"last"}'])
            hub.stop().says("in", accepted=803).says("in -> it", delivered=401, dead_lettered=402, dead_letters={"rejected": 402})
            assert "disconnected" not in hub.stderr() and "held" not in hub.stderr(), hub.stderr()
            equal([m.payload for m in client.read_all("S")], [m for m in sent if b"secret" not in m] + [b'{"to":"last"}'])


@test
def a_stream_that_is_full_makes_messages_wait_and_none_is_lost(t):
    with Nats(t.path("server")) as server, Client(server.address()) as client:
        name = "S"
        client.api("STREAM.CREATE.S", name=name, subjects=["s"], storage="file", retention="limits", discard="new", max_msgs=10)
        hub = out_of_hub(t, server.address(), "subject: s")
        hub.send("in", numbered(15))
        hub.says("disconnected: the stream does not take it: maximum messages exceeded")
        equal([m.payload for m in client.read_all(name)], numbered(10))
        client.api("STREAM.PURGE.S")
        until(lambda: client.stream(name)["messages"] == 5, "the rest is published")
        hub.stop().all_delivered(15)
        equal([m.payload for m in client.read_all(name)], numbered(15)[10:])


@test
def what_a_stop_saved_is_no_repeat_of_what_went_before_it(t):
    """All come by one write, so they have one time; and the next start counts from 1 again."""
    with Nats(t.path("server")) as server, Client(server.address()) as client:
        stream = {"name": "S", "subjects": ["s"], "storage": "file", "retention": "limits", "discard": "new"}
        client.api("STREAM.CREATE.S", **stream, max_msgs=100)
        hub = out_of_hub(t, server.address(), "subject: s")
        hub.send("in", numbered(300))
        hub.says("disconnected: the stream does not take it: maximum messages exceeded")
        equal(client.stream("S")["messages"], 100)
        hub.stop().says("in -> it", delivered=100, in_flight=200)
        client.api("STREAM.UPDATE.S", **stream, max_msgs=-1)
        hub.start()
        until(lambda: client.stream("S")["messages"] == 300, "the rest is published")
        hub.stop().all_delivered(200)
        equal([m.payload for m in client.read_all("S")], numbered(300))


# ---- outages


def child(hub):
    """The process of the handler or source `it`; None while there is none."""
    for pid in children_of(worker_of(hub.process.pid)):
        with contextlib.suppress(OSError):
            if pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"standpipe: it"):
                return pid
    return None


def kill(pid):
    with contextlib.suppress(ProcessLookupError, TypeError):
        os.kill(pid, signal.SIGKILL)


def restart(server):
    server.kill()
    server.start()


class Writing:
    """Frames into a FIFO while something else happens, in bursts, until it is over."""

    def __init__(self, t, fifo, burst=200, pause=0.01):
        self.sent, self._over = [], False
        self._writer, self._burst, self._pause = t.writer(fifo), burst, pause
        self._thread = t.meanwhile(self._run)

    def _run(self):
        while not self._over:
            burst = [b"message %d " % (len(self.sent) + i) for i in range(self._burst)]
            self._writer.send(*burst)
            self.sent += burst
            time.sleep(self._pause)  # load, not a wait for something

    def until(self, count):
        until(lambda: len(self.sent) >= count, f"{count} messages are written", 40)

    def end(self):
        self._over = True
        self._thread.join()
        self._writer.close()
        return self.sent


def whole_frames(t, file):
    return frames_in(t.path(file).read_bytes() if t.path(file).exists() else b"", incomplete=True)[0]


def in_order(payloads):
    """First occurrences are, whatever was repeated."""
    numbers = [int(p.split()[1]) for p in dict.fromkeys(payloads)]
    return numbers == sorted(numbers)


@test
def a_server_that_is_killed_while_a_hub_publishes_loses_nothing_and_ids_drop_the_repeats(t):
    with Nats(t.path("server")) as server:
        with Client(server.address()) as client:
            client.add_stream("S", "s.>")
        hub = out_of_hub(t, server.address(), "subject: s.a")
        writing = Writing(t, "in")
        writing.until(2000)
        server.kill()
        hub.says("disconnected: the connection is lost", seconds=20)
        server.start()
        writing.until(len(writing.sent) + 3000)
        sent = writing.end()
        hub.stop(seconds=40).all_delivered(len(sent))
        with Client(server.address()) as client:
            equal([m.payload for m in client.read_all("S")], sent)


@test
def a_server_that_is_killed_while_a_hub_reads_loses_nothing(t):
    with Nats(t.path("server")) as server:
        messages = numbered(30_000)
        with Client(server.address()) as client:
            client.add_stream("S", "s.>")
            client.put("s.a", messages)
        hub = into_hub(t, server.address(), "stream: S, durable: hub, fetch_batch: 500, ack_wait: 1s")
        until(lambda: t.size("out") > 20_000, "some have come")
        restart(server)
        until(lambda: set(whole_frames(t, "out")) == set(messages), "all have come", 40)
        hub.says("disconnected: ")
        account = hub.stop(seconds=40)
        got = t.frames("out")
        account.all_delivered(len(got))
        equal(set(got), set(messages))
        assert in_order(got), "first deliveries are not in order"
        repeats = len(got) - len(messages)
        assert repeats <= 20_000, f"{repeats} repeats are more than max_ack_pending"


@test
def handlers_and_sources_whose_process_is_killed_lose_nothing(t):
    with Nats(t.path("server")) as server, Client(server.address()) as client:
        client.add_stream("S", "s.>")
        hub = out_of_hub(t, server.address(), "subject: s.a")
        reading = into_hub(t, server.address(), "stream: S, durable: hub, ack_wait: 1s")
        writing = Writing(t, "in", burst=100)
        for killed in (hub, reading) * 3:
            writing.until(len(writing.sent) + 300)
            before = until(lambda: child(killed), "it has a process")
            kill(before)
            until(lambda: child(killed) not in (None, before), "it has another one")
        sent = writing.end()
        hub.stop(seconds=40).all_delivered(len(sent))
        equal([m.payload for m in client.read_all("S")], sent, "in the stream")
        until(lambda: set(whole_frames(t, "out")) == set(sent), "all have come", 40)
        until(lambda: client.consumer("S", "hub")["num_ack_pending"] == 0, "all are acknowledged", 40)
        account = reading.stop(seconds=40)
        account.all_delivered(len(t.frames("out")))
        equal(set(t.frames("out")), set(sent))


@test(seconds=180)
def a_cluster_of_which_one_server_is_killed_loses_nothing(t):
    """Of three, since JetStream goes on only while more than half of its servers live. Each is killed once, so the one that a hub
    is connected to is among them."""
    routes = [free_port() for _ in range(3)]
    listed = ", ".join(f"nats://127.0.0.1:{port}" for port in routes)
    servers = [
        Nats(t.path(f"server{i}"), f"server_name: n{i}\ncluster {{ name: c, listen: 127.0.0.1:{port}, routes: [{listed}] }}") for i, port in enumerate(routes)
    ]
    with contextlib.ExitStack() as stack:
        for server in servers:
            stack.enter_context(server)
        urls = ", ".join(server.address() for server in servers)

        def ask(what):
            """Of whichever server answers: those of a cluster do not while it has no leader."""

            def answer():
                for server in servers:
                    with contextlib.suppress(OSError, AssertionError, ValueError), Client(server.address(), timeout=2 * SLOW) as client:
                        return what(client) or True
                return None

            return until(answer, "a server answers", 60)

        ask(lambda client: client.add_stream("S", "s.>", num_replicas=3))
        hub = out_of_hub(t, urls, "subject: s.a, ack_timeout: 2s, timeout: 2s")
        reading = into_hub(t, urls, "stream: S, durable: hub, ack_wait: 2s, timeout: 2s")
        writing = Writing(t, "in", burst=50)
        for server in servers:
            until(lambda: len(whole_frames(t, "out")) > 0, "messages come", 60)
            server.kill()
            count = len(writing.sent)
            until(lambda: len(set(whole_frames(t, "out"))) > count, "they come while a server is dead", 60)
            server.start()
            until(lambda: ask(lambda client: client.api("STREAM.INFO.S")["cluster"]) and is_whole(ask), "the cluster is whole again", 60)
        sent = writing.end()
        until(lambda: set(whole_frames(t, "out")) == set(sent), "all have come", 60)
        assert "it: disconnected: " in hub.stderr() + reading.stderr(), "no hub was connected to a server that was killed"
        hub.stop(seconds=60).all_delivered(len(sent))
        stored = ask(lambda client: [m.payload for m in client.read_all("S")])
        equal(stored, sent, "in the stream")
        account = reading.stop(seconds=60)
        account.all_delivered(len(t.frames("out")))
        equal(set(t.frames("out")), set(sent))


def is_whole(ask):
    """Both other replicas of the stream are current."""
    cluster = ask(lambda client: client.api("STREAM.INFO.S")["cluster"])
    return all(replica["current"] for replica in cluster.get("replicas", []))


@test
def workers_that_are_killed_lose_nothing(t):
    with Nats(t.path("server")) as server, Client(server.address()) as client:
        client.add_stream("S", "s.>")
        hub = out_of_hub(t, server.address(), "subject: s.a")
        reading = into_hub(t, server.address(), "stream: S, durable: hub, ack_wait: 1s")
        writing = Writing(t, "in", burst=100)
        for killed in (hub, reading) * 2:
            writing.until(len(writing.sent) + 300)
            kill(until(lambda: (w := worker_of(killed.process.pid)) != killed.process.pid and w, "there is a worker"))
        sent = writing.end()
        until(lambda: client.stream("S")["messages"] >= len(sent), "all are published", 40)
        hub.stop(seconds=40).all_delivered(len(sent))
        equal([m.payload for m in client.read_all("S")], sent, "in the stream")
        until(lambda: set(whole_frames(t, "out")) == set(sent), "all have come", 40)
        until(lambda: client.consumer("S", "hub")["num_ack_pending"] == 0, "all are acknowledged", 40)
        reading.stop(seconds=40).all_delivered(len(t.frames("out")))
        equal(set(t.frames("out")), set(sent))


@test
def hubs_whose_keeper_is_killed_lose_nothing(t):
    with Nats(t.path("server")) as server:
        with Client(server.address()) as client:
            client.add_stream("S", "s.>")
        hub = out_of_hub(t, server.address(), "subject: s.a")
        server.kill()
        hub.says("disconnected: ")
        messages = numbered(1000)
        hub.send("in", messages)
        until(lambda: hub.account_now().of("in")["accepted"] == 1000, "the hub has them")
        end_by_killing_the_keeper(hub)
        server.start()
        hub.start()
        with Client(server.address()) as client:
            until(lambda: client.stream("S")["messages"] == 1000, "all are published")
            account = hub.stop()
            account.of("in"), account.of("in -> it")
            equal([m.payload for m in client.read_all("S")], messages)
            reading = into_hub(t, server.address(), "stream: S, durable: hub, ack_wait: 1s")
            until(lambda: len(whole_frames(t, "out")) > 0, "some have come")
            end_by_killing_the_keeper(reading)
            reading.start()
            until(lambda: set(whole_frames(t, "out")) == set(messages), "all have come", 40)
            until(lambda: client.consumer("S", "hub")["num_ack_pending"] == 0, "all are acknowledged", 40)
            account = reading.stop()
            account.of("it"), account.of("it -> out")


@test
def a_stop_while_the_server_is_away_ends_in_time_and_loses_nothing(t):
    with Nats(t.path("server")) as server:
        with Client(server.address()) as client:
            client.add_stream("S", "s.>")
        yaml = "drain_timeout: 1s\n" + OUT % (server.address(), "subject: s.a")
        hub = t.start(yaml)
        hub.send("in", numbered(100))
        hub.says("ready")
        server.kill()
        hub.says("disconnected: ")
        hub.send("in", numbered(200)[100:])
        began = time.monotonic()
        account = hub.stop()
        assert time.monotonic() - began < 10 * SLOW, "it took long"
        part = account.of("in -> it")
        equal(part["delivered"] + part["in_flight"], account.of("in")["accepted"])
        server.start()
        again = hub.start()
        with Client(server.address()) as client:
            until(lambda: client.stream("S")["messages"] == 200, "all are published")
            account = again.stop()
            account.of("in"), account.of("in -> it")
            equal([m.payload for m in client.read_all("S")], numbered(200))


@test
def a_server_that_stops_reading_does_not_hold_up_a_stop(t):
    with Nats(t.path("server")) as server:
        with Client(server.address()) as client:
            client.add_stream("S", "s.>")
        large = (OUT % (server.address(), "subject: s.a")).replace("fifo: in", "fifo: in, log: {max_size: 64MiB}")
        hub = t.start("drain_timeout: 1s\n" + large)
        hub.send("in", numbered(10))
        with Client(server.address()) as client:
            until(lambda: client.stream("S")["messages"] == 10, "they are published")
        os.kill(server.process.pid, signal.SIGSTOP)
        try:
            hub.send("in", numbered(2000, 10_000))
            began = time.monotonic()
            account = hub.stop(seconds=30)
            assert time.monotonic() - began < 15 * SLOW, "it took long"
        finally:
            os.kill(server.process.pid, signal.SIGCONT)
        part = account.of("in -> it")
        equal(part["delivered"] + part["in_flight"], account.of("in")["accepted"])


@test
def what_takes_longer_than_ack_wait_is_not_redelivered_while_the_hub_has_it(t):
    with Client(shared("nats")) as client:
        name = stream(client, t)
        client.put(f"{name}.a", numbered(3))
        hub = t.start(f"""
data_dir: state
sources:
  it: {{plugin: nats, options: {{servers: [{shared("nats")}], stream: {name}, durable: hub, ack_wait: 1s}}}}
handlers:
  out: {{plugin: forward, options: {{fifo: out}}}}
routes: [{{from: it, to: out}}]
""")
        until(lambda: client.consumer(name, "hub")["num_ack_pending"] == 3, "the hub has them")
        time.sleep(3)  # of nobody reading: what is measured
        equal(client.consumer(name, "hub")["num_redelivered"], 0)
        reader = t.reader("out")
        equal(reader.take(3), numbered(3))
        until(lambda: client.consumer(name, "hub")["num_ack_pending"] == 0, "they are acknowledged")
        hub.stop().all_delivered(3)
        reader.close()


# ---- login and TLS


@test
def a_token_and_an_nkey_let_a_hub_in(t):
    with Nats(t.path("server"), "authorization { token: hunter2 }") as server, Client(server.address(), auth_token="hunter2") as client:
        client.add_stream("S", "s.>")
        t.path("token").write_text("hunter2\n")
        hub = out_of_hub(t, server.address(), "subject: s.a, token_file: token")
        hub.send("in", [b"by token"])
        hub.stop().all_delivered(1)
        equal([m.payload for m in client.read_all("S")], [b"by token"])
        assert "hunter2" not in hub.stderr()
        fails_to_open(t, server.address(), "subject: s.a, token: hunter3", "it.*refuses to let us in")
    # The pair of NATS's own documentation.
    public, seed = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4", "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"
    with Nats(t.path("other"), "authorization { users: [{nkey: %s}] }" % public) as server:
        t.path("seed").write_text(seed)
        fails_to_open(t, server.address(), f"subject: s.a, nkey: {public}, nkey_seed: seed", "it.*no stream takes messages")


@test
def a_hub_speaks_tls_and_verifies_the_server(t):
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    for name, subject in (("server", "IP:127.0.0.1"), ("other", "DNS:elsewhere.example")):
        command = [*make, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}", "-addext", f"subjectAltName={subject}"]
        try:
            subprocess.run(command, cwd=t.folder, check=True, capture_output=True)
        except FileNotFoundError:
            raise Skip("there is no openssl") from None
    def settings(name):
        return f'tls {{ cert_file: "{t.folder}/{name}.pem", key_file: "{t.folder}/{name}.key" }}'

    with Nats(t.path("s"), settings("server")) as server:
        with Client(server.address(), tls=trusting(t.path("server.pem"))) as client:
            client.add_stream("S", "s.>")
            hub = out_of_hub(t, server.address(), "subject: s.a, tls: true, tls_ca: server.pem")
            messages = numbered(2000, 500)
            hub.send("in", messages)
            hub.stop().all_delivered(2000)
            equal([m.payload for m in client.read_all("S")], messages)
            reading = into_hub(t, server.address(), "stream: S, durable: hub, tls: true, tls_ca: server.pem")
            t.until_logged("out", messages)
            reading.stop().all_delivered(2000)
        fails_to_open(t, server.address(), "subject: s.a, tls: true, tls_ca: other.pem", "it.*TLS with .* fails .*check tls_ca")
    with Nats(t.path("o"), settings("other")) as server:
        fails_to_open(t, server.address(), "subject: s.a, tls: true, tls_ca: other.pem", "it.*TLS with .* fails .*host name in servers")
    with Nats(t.path("plain")) as server:
        fails_to_open(t, server.address(), "subject: s.a, tls: true, tls_ca: other.pem", "it.*does not speak TLS")


def certificates(t):
    """Of an authority, ca.pem, and by it of a server, server.pem, and of a client, client.pem."""
    t.path("names").write_text("subjectAltName=IP:127.0.0.1\n")
    new = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    try:
        subprocess.run([*new, "-x509", "-days", "2", "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem"], cwd=t.folder, check=True, capture_output=True)
    except FileNotFoundError:
        raise Skip("there is no openssl") from None
    for name in ("server", "client"):
        subprocess.run([*new, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr"], cwd=t.folder, check=True, capture_output=True)
        sign = ["openssl", "x509", "-req", "-days", "2", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names"]
        subprocess.run([*sign, "-out", f"{name}.pem"], cwd=t.folder, check=True, capture_output=True)


@test
def a_server_that_wants_a_certificate_gets_the_hubs_own(t):
    certificates(t)
    f = t.folder
    with Nats(t.path("s"), f'tls {{ cert_file: "{f}/server.pem", key_file: "{f}/server.key", ca_file: "{f}/ca.pem", verify: true }}') as server:
        with Client(server.address(), tls=trusting(t.path("ca.pem"), (t.path("client.pem"), t.path("client.key")))) as client:
            client.add_stream("S", "s.>")
            own = "tls: true, tls_ca: ca.pem, tls_cert: client.pem, tls_key: client.key"
            hub = out_of_hub(t, server.address(), f"subject: s.a, {own}")
            hub.send("in", numbered(500))
            hub.stop().all_delivered(500)
            reading = into_hub(t, server.address(), f"stream: S, durable: hub, {own}")
            t.until_logged("out", numbered(500))
            reading.stop().all_delivered(500)
            equal([m.payload for m in client.read_all("S")], numbered(500))
        fails_to_open(t, server.address(), "subject: s.a, tls: true, tls_ca: ca.pem", "it.*if the server wants a certificate of its clients, give tls_cert")


@test
def a_handshake_that_does_not_end_is_given_up_and_leaves_nothing_behind(t):
    """A server that says it wants TLS and is silent then, as one that hangs or a wrong port does."""
    certificates(t)
    listener = socket.create_server(("127.0.0.1", 0))
    port, connections = listener.getsockname()[1], []

    def greet():
        with contextlib.suppress(OSError):
            while True:
                connections.append(listener.accept()[0])
                info = {"server_id": "x", "version": "2.9.10", "host": "127.0.0.1", "port": port, "headers": True, "max_payload": 1 << 20, "tls_required": True}
                connections[-1].sendall(b"INFO " + json.dumps(info).encode() + b"\r\n")

    greeting = t.meanwhile(greet)
    hub = t.start("drain_timeout: 1s\n" + OUT % (f"nats://127.0.0.1:{port}", "subject: s.a, tls: true, tls_ca: ca.pem, timeout: 300ms"))
    hub.send("in", numbered(10))
    hub.says("it: disconnected: cannot connect to .*: a TLS handshake did not end within 300 ms", seconds=40)
    until(lambda: len(connections) >= 4, "it tries again and again", 60)
    (process,) = [pid for pid in children_of(worker_of(hub.process.pid)) if pid == child(hub)]
    sockets = [link for fd in pathlib.Path(f"/proc/{process}/fd").iterdir() if (link := os.readlink(fd)).startswith("socket:")]
    assert len(os.listdir(f"/proc/{process}/task")) < 12 and len(sockets) < 6, f"{sockets}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for connection in connections:
        connection.close()
    greeting.join()
    server = Nats(t.path("s"), f'tls {{ cert_file: "{t.folder}/server.pem", key_file: "{t.folder}/server.key" }}')
    server.port = port
    with server, Client(server.address(), tls=trusting(t.path("ca.pem"))) as client:
        client.add_stream("S", "s.>")
        until(lambda: client.stream("S")["messages"] == 10, "the messages have waited", 60)
        hub.stop().all_delivered(10)
        equal([m.payload for m in client.read_all("S")], numbered(10))


@test
def a_stop_during_a_handshake_that_does_not_end_is_in_time(t):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        hub = t.start("drain_timeout: 1s\n" + OUT % (f"nats://127.0.0.1:{port}", "subject: s.a, tls: true, timeout: 1m"))
        hub.send("in", numbered(10))
        connection, _ = listener.accept()
        connection.sendall(b'INFO {"server_id":"x","version":"2.9.10","max_payload":1000,"headers":true,"tls_required":true}\r\n')
        assert connection.recv(1) == b"\x16", "a handshake has begun"
        began = time.monotonic()
        hub.stop(seconds=20).says("in", accepted=10).says("in -> it", in_flight=10)
        assert time.monotonic() - began < 10 * SLOW, "the stop took long"
        connection.close()


@test
def a_credentials_file_lets_a_hub_in_and_that_of_a_stranger_does_not(t):
    if not shutil.which("openssl"):
        raise Skip("there is no openssl")
    operator, stranger = Operator(), Operator()
    key, jwt = operator.user()
    t.path("hub.creds").write_text(creds(key, jwt))
    t.path("wrong.creds").write_text(creds(*stranger.user()))
    with Nats(t.path("server"), operator.settings) as server, Client(server.address(), **login(key, jwt)) as client:
        client.add_stream("S", "s.>")
        hub = out_of_hub(t, server.address(), "subject: s.a, creds: hub.creds")
        hub.send("in", numbered(100))
        hub.stop().all_delivered(100)
        reading = into_hub(t, server.address(), "stream: S, durable: hub, creds: hub.creds")
        t.until_logged("out", numbered(100))
        reading.stop().all_delivered(100)
        equal([m.payload for m in client.read_all("S")], numbered(100))
        for hub in t.hubs:
            assert key.seed not in hub.stderr() and jwt not in hub.stderr(), "a secret was said"
        fails_to_open(t, server.address(), "subject: s.a, creds: wrong.creds", "it.*refuses to let us in .*check user and password, token, creds or nkey")


# ---- and what the README says


@test
def the_readmes_example_passes_its_tests_and_prints_what_the_readme_says(t):
    text = (README.parent / "example.yaml").read_text()
    out, _ = t.run("test", README.parent / "example.yaml")
    assert b"2 passed, 0 failed" in out, out
    commands, output = (re.search(rf"^```{kind}\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)[1] for kind in ("sh", "output"))
    create, run, send = commands.splitlines()
    equal((create, run), ("nats stream add ORDERS --subjects 'orders.>' --defaults", "standpipe run plugins/nats/example.yaml &"))
    with Nats(t.path("server")) as server, Client(server.address()) as client:
        client.add_stream("ORDERS", "orders.>")
        for option in ("stream: ORDERS", "subject: "):
            text = text.replace(f"{{ {option}", f"{{ servers: [{server.address()}], {option}")
        hub = t.start(text.replace("/tmp", str(t.folder)))
        t.run(*shlex.split(send.replace("/tmp/standpipe-orders", str(t.path("standpipe-orders")).replace(" ", r"\ ")))[1:])
        until(lambda: hub.stdout().decode() == output, "it prints the output")
        account = hub.stop()
        account.says("orders", accepted=3).says("orders -> stream", delivered=3).says("german", accepted=2).says("german -> screen", delivered=2)


def delivered(hub):
    """Of all its handlers, in a tuple; None while its worker does not answer."""
    with contextlib.suppress(AssertionError):
        return (sum(part["delivered"] for name, part in hub.account_now().parts.items() if " -> " in name),)


def let_it_make_progress(hub, breaths):
    """A hub ends, as it should, when its worker has died ten times without progress: one that is at seven of these is left alone
    until it has delivered something. On a busy machine kills come faster than it can connect."""
    deaths = re.findall(r"\((\d+) of 10 without progress\)", hub.stderr())
    if not deaths or int(deaths[-1]) < 7 or breaths.get(hub.name) == len(deaths):
        return
    breaths[hub.name] = len(deaths)
    before = until(lambda: delivered(hub), f"{hub.name} answers", 40)
    until(lambda: delivered(hub) not in (None, before), f"{hub.name} delivers something", 60)


@test(seconds=420)
def a_chaos_of_kills_loses_nothing(t):
    """For STANDPIPE_BRIDGE_SECONDS: servers, workers and processes of both hubs, and a keeper, at random."""
    seed = int(os.environ.get("STANDPIPE_BRIDGE_SEED", random.randrange(1 << 30)))
    print(f"seed {seed}")
    chance = random.Random(seed)
    with Nats(t.path("server")) as server:
        with Client(server.address()) as client:
            client.add_stream("S", "s.>")
        hub = out_of_hub(t, server.address(), "subject: s.a")
        pending = 1000
        reading = into_hub(t, server.address(), f"stream: S, durable: hub, ack_wait: 1s, max_ack_pending: {pending}")
        writing = Writing(t, "in", burst=100)
        end = time.monotonic() + float(os.environ.get("STANDPIPE_BRIDGE_SECONDS", "6")) * SLOW
        kills = {"server": lambda: restart(server)}
        for name, one in (("hub", hub), ("reading", reading)):
            kills[f"{name}'s process"] = lambda one=one: kill(child(one))
            kills[f"{name}'s worker"] = lambda one=one: kill((w := worker_of(one.process.pid)) != one.process.pid and w or None)
        kills["reading's keeper"] = lambda: kill_the_keeper(reading)  # the other one's writers would have a broken pipe
        done, breaths = [], {}
        while time.monotonic() < end:
            let_it_make_progress(hub, breaths)
            let_it_make_progress(reading, breaths)
            done.append(chance.choice(list(kills)))
            kills[done[-1]]()
            time.sleep(chance.uniform(0.05, 0.8))  # load, not a wait for something
        print(", ".join(done))
        sent = writing.end()
        with Client(server.address()) as client:
            until(lambda: client.stream("S")["messages"] >= len(sent), "all are published", 40)
            hub.stop(seconds=60).all_delivered(len(sent))
            stored = [m.payload for m in client.read_all("S")]
            equal(stored, sent, "in the stream")
            until(lambda: set(whole_frames(t, "out")) == set(sent), "all have come", 40)
            until(lambda: client.consumer("S", "hub")["num_ack_pending"] == 0, "all are acknowledged", 40)
        reading.stop(seconds=60).all_settled()
        got = t.frames("out")
        repeats, breaks = len(got) - len(sent), len([what for what in done if not what.startswith("hub")])
        print(f"{len(sent)} messages, {repeats} repeats after {len(done)} kills, {len(breaths)} hubs had to be left alone")
        equal(set(got), set(sent))
        # What the stream has twice was dropped by its id; what was not acknowledged when the reading side broke comes again.
        assert repeats <= breaks * pending, f"{repeats} repeats after {breaks} breaks with max_ack_pending {pending}"
