# SPDX-License-Identifier: Apache-2.0
"""The plugin rabbitmq with a real broker, and independent clients: pika, amqplib, and the programs of amqp-tools. Connections
are cut by a proxy; a broker is killed in one test, which has one of its own."""

import base64
import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE), str(HERE.parent / "crash")]

import npm  # noqa: E402 (its folder must be known first)
from killer import children_of, worker_of  # noqa: E402
from kit import SLOW, equal, process, test, until  # noqa: E402
from kit.bench import Skip  # noqa: E402
from peer_programs import kill_the_keeper  # noqa: E402
from servers import shared  # noqa: E402
from servers.rabbitmq import MESSAGE_MAX, RabbitMQ  # noqa: E402

SECONDS = float(os.environ.get("STANDPIPE_BRIDGE_SECONDS", "6"))
BINARY = [b"", b"x", bytes(range(256)), b"\0" * 5, b"\xff\xfe\n\r", os.urandom(300_000), b"{}"]

OUT = """
data_dir: state
sources: {in: {fifo: in}}
handlers: {out: {plugin: rabbitmq, retry: {backoff: {initial: 20ms, max: 200ms}}, options: {port: %d, %s}}}
routes: [{from: in, to: out}]
"""
BACK = """
data_dir: state
sources: {back: {plugin: rabbitmq, options: {port: %d, %s}}}
handlers: {log: {plugin: log, options: {path: log, format: %s}}}
routes: [{from: back, to: log}]
"""
BOTH = """
data_dir: state
sources:
  in: {fifo: in}
  back: {plugin: rabbitmq, options: {port: %(port)d, queue: %(queue)s, heartbeat: 2s, prefetch_count: 200}}
handlers:
  out: {plugin: rabbitmq, retry: {backoff: {initial: 20ms, max: 200ms}},
        options: {port: %(port)d, queue: %(queue)s, heartbeat: 2s, max_unconfirmed: 500}}
  log: {plugin: log, options: {path: log, format: frames}}
routes: [{from: in, to: out}, {from: back, to: log}]
"""


# ---- the broker, and those around it


def ports():
    plain, tls, folder = shared("rabbitmq").split(" ", 2)
    return int(plain), int(tls), pathlib.Path(folder)


def pika():
    """The client, from a cache that is filled once; skips the test where that cannot be."""
    wanted = HERE / "python/rabbitmq.txt"
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "standpipe-tests/pika-1.4.4"
    if not cache.exists():
        cache.parent.mkdir(parents=True, exist_ok=True)
        place = tempfile.mkdtemp(dir=cache.parent)
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--require-hashes", "--target", place, "-r", wanted]
        done = subprocess.run(command, capture_output=True, timeout=50 * SLOW)
        if done.returncode != 0:
            shutil.rmtree(place)
            raise Skip(f"pika cannot be installed: {done.stderr.decode(errors='replace')[-200:]}")
        with contextlib.suppress(OSError):  # another test was first
            os.rename(place, cache)
        shutil.rmtree(place, ignore_errors=True)
    sys.path.insert(0, str(cache))
    import pika as client

    return client


class Peer:
    """A connection of pika's, and queues that end with the test."""

    def __init__(self, port):
        self.client = pika()
        self.connection = self.client.BlockingConnection(self.client.ConnectionParameters("127.0.0.1", port, heartbeat=0))
        self.channel = self.connection.channel()
        self._queues = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for queue in self._queues:
            with contextlib.suppress(Exception):
                self.connection.channel().queue_delete(queue)
        with contextlib.suppress(Exception):
            self.connection.close()

    def queue(self, name, **arguments):
        name = f"{name}-{os.getpid()}"
        self.channel.queue_declare(name, durable=True, arguments=arguments or None)
        self._queues.append(name)
        return name

    def publish(self, queue, bodies, exchange="", **properties):
        self.channel.confirm_delivery()
        for body in bodies:
            self.channel.basic_publish(exchange, queue, body, self.client.BasicProperties(**properties), mandatory=True)

    def take(self, queue, count, seconds=20):
        """So many messages: (method, properties, body)."""
        taken = []
        for method, properties, body in self.channel.consume(queue, inactivity_timeout=0.2):
            if method:
                taken.append((method, properties, body))
                self.channel.basic_ack(method.delivery_tag)
                seconds = max(seconds, 2)
            else:
                seconds -= 0.2 / SLOW
            if len(taken) >= count or seconds <= 0:
                break
        self.channel.cancel()
        assert len(taken) >= count, f"{queue} gave {len(taken)} of {count} messages"
        return taken

    def waiting(self, queue):
        return self.channel.queue_declare(queue, passive=True).method.message_count


class Proxy:
    """Between hub and broker: cuts connections, refuses them, or passes nothing on while it keeps them."""

    def __init__(self, port):
        self.to = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.is_stalled = self.refuses = False
        self._sockets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        """All connections; new ones are served."""
        sockets, self._sockets = self._sockets, []
        for s in sockets:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        while True:
            client, _ = self.listener.accept()
            try:
                if self.refuses:
                    raise OSError
                broker = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                client.close()
                continue
            self._sockets += [client, broker]
            for pair in ((client, broker), (broker, client)):
                threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, one, other):
        with contextlib.suppress(OSError):
            while True:
                while self.is_stalled:
                    time.sleep(0.01)
                data = one.recv(65536)
                if not data:
                    break
                other.sendall(data)
        for s in (one, other):
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)


def numbered(count, start=0, size=8):
    return [b"%08d" % i + bytes(size - 8) for i in range(start, start + count)]


def logged(t, file="log"):
    return t.frames(file) if t.path(file).exists() else []


def records(t):
    """Of a log in format jsonl: payload and metadata."""
    return [
        (base64.b64decode(r["base64"]) if "base64" in r else r["text"].encode(), r.get("meta", {}))
        for r in map(json.loads, t.path("log").read_text().splitlines())
    ]


def until_all(t, messages, seconds=60):
    """Until the log has each of these; returns what it has."""
    wanted = set(messages)

    def all_are_there():
        with contextlib.suppress(AssertionError):  # a frame that is being written
            got = logged(t)
            return wanted <= set(got) and got
        return None

    return until(all_are_there, f"the log has all of {len(wanted)} messages", seconds)


def nothing_is_lost_or_made_up(got, sent, repeats_max):
    missing, strange = set(sent) - set(got), set(got) - set(sent)
    assert not missing and not strange, f"{len(missing)} of {len(sent)} are missing, {len(strange)} were never sent"
    repeats = len(got) - len(set(got))
    assert repeats <= repeats_max, f"{repeats} repeats, which cannot be more than {repeats_max}"


def says_account(account):
    """Counts of messages that came again are not known beforehand."""
    for name, part in account.parts.items():
        account.of(name)
        if " -> " in name:
            equal([part["dead_lettered"], part["dropped"], part["filtered"]], [0, {}, 0], name)


# ---- what comes through


@test
def an_independent_client_gets_what_was_sent_byte_by_byte_and_in_order(t):
    port, _, _ = ports()
    with Peer(port) as peer:
        queue = peer.queue("out")
        sent = BINARY + numbered(2000)
        hub = t.start(OUT % (port, f"queue: {queue}"))
        hub.send("in", sent)
        got = peer.take(queue, len(sent))
        equal([body for _, _, body in got], sent)
        equal([p.message_id for _, p, _ in got], [f"in:{i + 1}" for i in range(len(sent))])
        equal({(p.delivery_mode, p.content_type) for _, p, _ in got}, {(2, "application/octet-stream")})
        hub.stop().all_delivered(len(sent))


@test
def exchange_key_properties_and_headers_are_made_by_templates(t):
    port, _, _ = ports()
    with Peer(port) as peer:
        queue, exchange = peer.queue("alarms"), f"events-{os.getpid()}"
        peer.channel.exchange_declare(exchange, "topic", auto_delete=True)
        peer.channel.queue_bind(queue, exchange, "alarm.*")
        options = f"""exchange: "{exchange}", routing_key: "{{json:/kind}}.{{json:/device|none}}", content_type: application/json,
            delivery_mode: transient, properties: {{correlation_id: "{{json:/id}}", priority: "{{json:/urgent|0}}", type: alarm}},
            headers: {{device: "{{json:/device}}", from: "{{source}} {{sequence}}"}}"""
        hub = t.start(OUT % (port, options))
        one = b'{"kind": "alarm", "device": "d7", "id": 66, "urgent": 9}'
        two = b'{"kind": "alarm"}'
        hub.send("in", [one, b"no JSON", two, b'{"kind": "other"}'])
        (m1, p1, b1), (m2, p2, b2) = peer.take(queue, 2)
        equal([b1, b2], [one, two])
        equal([m1.exchange, m1.routing_key, m2.routing_key], [exchange, "alarm.d7", "alarm.none"])
        equal([p1.correlation_id, p1.priority, p1.type, p1.content_type, p1.delivery_mode], ["66", 9, "alarm", "application/json", 1])
        equal([p1.headers, p2.headers, p2.correlation_id], [{"device": "d7", "from": "in 1"}, {"from": "in 3"}, None])
        until(lambda: hub.account_now().of("in -> out")["dead_lettered"] == 2, "two are rejected")
        hub.says(r"dead-lettered \(rejected\): routing_key: its payload is no JSON, and the placeholder has no default")
        hub.says(r"dead-lettered \(rejected\): RabbitMQ has returned it: NO_ROUTE \(312\) for exchange '.*' and routing key 'other.none'")
        hub.stop().says("in", accepted=4).says("in -> out", delivered=2, dead_lettered=2, dead_letters={"rejected": 2})


@test
def what_an_independent_client_sends_is_logged_with_its_properties_and_headers(t):
    port, _, _ = ports()
    with Peer(port) as peer:
        queue = peer.queue("back")
        headers = {"device": "d7", "level": 3, "hot": True, "raw": b"\xff\x00", "x-trace": {"a": [1, "two", None]}, "routing_key": "forged"}
        peer.publish(queue, BINARY, content_type="text/plain", correlation_id="c1", headers=headers, priority=4, timestamp=1700000000, message_id="m1")
        hub = t.start(BACK % (port, f"queue: {queue}", "jsonl"))
        until(lambda: t.path("log").exists() and t.path("log").read_bytes().count(b"\n") >= len(BINARY), "they are logged")
        got = records(t)
        equal([payload for payload, _ in got], BINARY)
        meta = got[0][1]
        expected = {
            "device": "d7", "level": "3", "hot": "true", "raw": {"base64": "/wA="}, "x-trace": '{"a":[1,"two",null]}', "exchange": "",
            "redelivered": "false", "content_type": "text/plain", "priority": "4", "correlation_id": "c1", "message_id": "m1",
            "timestamp": "1700000000", "routing_key": ["forged", queue],
        }  # fmt: skip
        equal(meta, expected)
        until(lambda: peer.waiting(queue) == 0, "the queue is empty")
        hub.stop().all_delivered(len(BINARY))
        equal(peer.waiting(queue), 0, "messages that came again after the stop")


@test
def properties_and_headers_pass_through_a_hub_from_queue_to_queue(t):
    port, _, _ = ports()
    with Peer(port) as peer:
        a, b = peer.queue("a"), peer.queue("b")
        yaml = """
data_dir: state
sources: {a: {plugin: rabbitmq, options: {port: %d, queue: %s}}}
handlers: {b: {plugin: rabbitmq, options: {port: %d, queue: %s}}}
routes: [{from: a, to: b}]
"""
        hub = t.start(yaml % (port, a, port, b))
        peer.publish(a, BINARY, content_type="text/plain", correlation_id="c1", reply_to="r", type="t", priority=4, headers={"k": "v", "n": 5})
        got = peer.take(b, len(BINARY))
        equal([body for _, _, body in got], BINARY)
        p = got[0][1]
        equal([p.content_type, p.correlation_id, p.reply_to, p.type, p.priority, p.message_id], ["text/plain", "c1", "r", "t", 4, "a:1"])
        equal([p.headers["k"], p.headers["n"], p.headers["routing_key"]], ["v", "5", a])
        hub.stop().all_delivered(len(BINARY))


@test
def queues_are_declared_and_bound_as_the_options_say(t):
    port, _, _ = ports()
    with Peer(port) as peer:
        queue, exchange = f"made-{os.getpid()}", f"made-{os.getpid()}"
        peer._queues.append(queue)
        peer.channel.exchange_declare(exchange, "topic", auto_delete=True)
        options = f"queue: {queue}, declare: true, queue_type: quorum, exchange: {exchange}, binding_keys: [one.*, two]"
        hub = t.start(BACK % (port, options, "frames"))
        peer.publish("one.x", [b"1"], exchange)
        peer.publish("two", [b"2"], exchange)
        t.until_logged("log", [b"1", b"2"])
        equal(logged(t), [b"1", b"2"])
        hub.stop().all_delivered(2)
        again = t.hub(BACK % (port, f"queue: {queue}, declare: true", "frames")).launch()
        again.says("inequivalent arg 'x-queue-type'.*make durable, queue_type and arguments as they are")
        again.stop()


@test
def a_message_beyond_the_brokers_limit_is_dead_lettered_and_the_others_pass(t):
    port, _, _ = ports()
    with Peer(port) as peer:
        queue = peer.queue("large")
        sent = [b"before", bytes(MESSAGE_MAX), b"between", bytes(MESSAGE_MAX + 1), b"after"]
        hub = t.start(OUT % (port, f"queue: {queue}"))
        hub.send("in", sent)
        hub.says(rf"dead-lettered \(rejected\): it has {MESSAGE_MAX + 1} bytes, and max_message_size of RabbitMQ is {MESSAGE_MAX}")
        got = [body for _, _, body in peer.take(queue, 4)]
        equal(set(got), set(sent) - {sent[3]})
        hub.stop().says("in", accepted=5).says("in -> out", delivered=4, dead_lettered=1, dead_letters={"rejected": 1})


@test
def a_message_that_names_a_missing_exchange_is_dead_lettered_and_the_others_pass(t):
    port, _, _ = ports()
    with Peer(port) as peer:
        queue, exchange = peer.queue("named"), f"named-{os.getpid()}"
        peer.channel.exchange_declare(exchange, "fanout", auto_delete=True)
        peer.channel.queue_bind(queue, exchange)
        hub = t.start(OUT % (port, 'exchange: "{json:/to}"'))
        good, bad = b'{"to": "%s"}' % exchange.encode(), b'{"to": "nobody"}'
        hub.send("in", [good, bad, good])
        hub.says(r"dead-lettered \(rejected\): exchange: RabbitMQ has no exchange 'nobody'")
        equal([body for _, _, body in peer.take(queue, 2)], [good, good])
        hub.stop().says("in", accepted=3).says("in -> out", delivered=2, dead_lettered=1, dead_letters={"rejected": 1})


@test
def a_full_queue_that_refuses_messages_has_them_again_when_there_is_room(t):
    port, _, _ = ports()
    with Peer(port) as peer:
        queue = peer.queue("full", **{"x-max-length": 3, "x-overflow": "reject-publish"})
        hub = t.start(OUT % (port, f"queue: {queue}"))
        hub.send("in", numbered(5))
        hub.says("RabbitMQ refuses it")
        got = {body for _, _, body in peer.take(queue, 5)}
        equal(got, set(numbered(5)))
        until(lambda: hub.account_now().of("in -> out")["delivered"] == 5, "all are delivered")
        hub.stop().all_delivered(5)


@test
def the_commands_of_its_readme_print_what_stands_there(t):
    port, _, _ = ports()
    folder = HERE.parent.parent / "plugins/rabbitmq"
    commands, output = (re.search(rf"^```{kind}\n(.*?)^```$", (folder / "README.md").read_text(), re.MULTILINE | re.DOTALL)[1] for kind in ("sh", "output"))
    with Peer(port) as peer:
        queue = peer.queue("example")
        path = t.path("plugins/rabbitmq/example.yaml")
        path.parent.mkdir(parents=True)
        text = (folder / "example.yaml").read_text()
        path.write_text(text.replace("/tmp/", f"{t.folder}/").replace("standpipe-example", queue))
        t.run("test", path)
        hub = t.hub(path.read_text(), control=t.path("control"))
        hub.config.unlink()
        hub.config = path
        env = process.environment(t.folder) | {"RABBITMQ_PORT": str(port)}
        hub.options = {"env": env}
        hub.start()
        sending = commands.splitlines()[1].replace("/tmp/", f"{t.folder}/").replace(" " + str(t.folder), f' "{t.folder}"')
        sending = re.sub(r'"([^"]*)"/standpipe-orders', r'"\1/standpipe-orders"', sending)
        place = f"{process.program().parent}:{env['PATH']}"
        subprocess.run(["sh", "-c", sending], cwd=t.folder, env=env | {"PATH": place}, check=True, capture_output=True)
        until(lambda: hub.stdout().decode() == output, "the screen shows it")
        hub.stop().all_delivered(2, 2)


@test
def amqplib_takes_what_the_handler_sends_and_the_source_takes_what_amqplib_sends(t):
    port, _, _ = ports()
    with Peer(port) as peer:
        queue, back = peer.queue("to-amqplib"), peer.queue("of-amqplib")
        hub = t.start(OUT % (port, f"queue: {queue}, content_type: text/plain, headers: {{from: \"{{source}}\"}}"))
        sent = BINARY + numbered(500)
        hub.send("in", sent)
        hub.stop().all_delivered(len(sent))
        got = npm.run(t, "rabbitmq", port, "receive", queue, len(sent))
        equal([base64.b64decode(m["body"]) for m in got], sent)
        equal({(m["headers"]["from"], m["contentType"], m["deliveryMode"], m["routingKey"], m["redelivered"]) for m in got}, {("in", "text/plain", 2, queue, False)})
        equal([m["messageId"] for m in got], [f"in:{i + 1}" for i in range(len(sent))])
        lines = [{"body": base64.b64encode(m).decode(), "headers": {"device": "d7", "level": 3}, "correlationId": "c1", "messageId": "m"} for m in sent]
        npm.run(t, "rabbitmq", port, "send", back, input="".join(json.dumps(line) + "\n" for line in lines).encode())
        hub = t.start(BACK % (port, f"queue: {back}", "jsonl"))
        until(lambda: t.path("log").exists() and t.path("log").read_bytes().count(b"\n") >= len(sent), "they are logged")
        hub.stop().all_delivered(len(sent))
        equal([payload for payload, _ in records(t)], sent)
        equal({(meta["device"], meta["level"], meta["correlation_id"], meta["message_id"]) for _, meta in records(t)}, {("d7", "3", "c1", "m")})


def amqp_tool(port, name, *words, body=b""):
    """A program of Debian's amqp-tools, which are librabbitmq's own; what it prints."""
    program = shutil.which(f"amqp-{name}")
    if not program:
        raise Skip(f"amqp-{name} is not installed (package amqp-tools)")
    options = [f"--url=amqp://guest:guest@127.0.0.1:{port}/%2f", *words]
    done = subprocess.run([program, *options], input=body, capture_output=True, timeout=60 * SLOW)
    equal((done.returncode, done.stderr), (0, b""), f"amqp-{name}")
    return done.stdout


@test
def amqp_get_and_amqp_consume_take_what_the_handler_sends(t):
    port, _, _ = ports()
    with Peer(port) as peer:
        queue = peer.queue("to-amqp-tools")
        hub = t.start(OUT % (port, f"queue: {queue}"))
        sent = BINARY + numbered(20)
        hub.send("in", sent)
        hub.stop().all_delivered(len(sent))
        half = len(BINARY) + 5
        equal([amqp_tool(port, "get", f"--queue={queue}") for _ in range(half)], sent[:half])
        a_line = "od -An -v -tx1 | tr -d ' \\n'; echo"
        rest = len(sent) - half
        lines = amqp_tool(port, "consume", f"--queue={queue}", f"--count={rest}", "--prefetch-count=1", "--", "sh", "-c", a_line)
        equal([bytes.fromhex(line) for line in lines.decode().splitlines()], sent[half:])
        equal(peer.waiting(queue), 0, "what amqp-consume has not acknowledged")


@test
def the_source_takes_what_amqp_publish_sends(t):
    port, _, _ = ports()
    with Peer(port) as peer:
        queue, key = peer.queue("of-amqp-tools"), f"--routing-key={t.folder.name.split()[-1]}-{os.getpid()}"
        peer.channel.queue_bind(queue, "amq.topic", key.partition("=")[2])
        properties = ["--persistent", "--content-type=text/plain", "--reply-to=answers", "--header=device: d7"]
        hub = t.start(BACK % (port, f"queue: {queue}", "jsonl"))
        for body in BINARY:
            amqp_tool(port, "publish", "--exchange=amq.topic", key, *properties, body=body)
        lines = [b"line %d\n" % i for i in range(200)]
        amqp_tool(port, "publish", f"--routing-key={queue}", "--line-buffered", body=b"".join(lines))
        sent = BINARY + lines
        until(lambda: t.path("log").exists() and t.path("log").read_bytes().count(b"\n") >= len(sent), "they are logged")
        hub.stop().all_delivered(len(sent))
        equal([payload for payload, _ in records(t)], sent)
        expected = {
            "device": "d7", "exchange": "amq.topic", "routing_key": key.partition("=")[2], "redelivered": "false",
            "content_type": "text/plain", "delivery_mode": "persistent", "reply_to": "answers",
        }  # fmt: skip
        equal(records(t)[0][1], expected)


# ---- what is wrong


@test
def what_is_wrong_is_said_with_a_remedy_and_never_a_password(t):
    port, tls, folder = ports()
    wrong = [
        ("queue: q, user: guest, password: secret-word", r"ACCESS_REFUSED.*correct user and password"),
        ("queue: q, vhost: nowhere", r"vhost nowhere not found.*rabbitmqctl add_vhost nowhere"),
        ("queue: missing", r"no queue 'missing' in vhost '/'.*create it, or correct its name"),
        ("exchange: missing, routing_key: k", r"no exchange 'missing' in vhost '/'.*create it, or correct its name"),
        (f"queue: q, uri: 'amqp://guest:secret-word@127.0.0.1:{port}/%2f'", r"ACCESS_REFUSED.*correct user and password"),
    ]
    for options, remedy in wrong:
        text = OUT % (port, options) if "uri" not in options else (OUT % (port, options)).replace(f"port: {port}, ", "")
        hub = t.hub(text).launch()
        hub.says(remedy)
        assert "secret-word" not in hub.stderr(), hub.stderr()
        hub.stop()
    hub = t.hub(BACK % (port, "queue: missing", "frames")).launch()
    hub.says(r"no queue 'missing' in vhost '/'.*create it, or correct its name")
    hub.stop()


@test
def mistakes_are_found_before_anything_is_started(t):
    checked = [
        ("uri: 'amqp://guest:secret-word@127.0.0.1/', queue: q", "uri: it ends with a slash, which names a virtual host without a name"),
        ("uri: 'amqp:guest:secret-word', queue: q", "uri: it cannot be read"),
        ("uri: 'amqp://127.0.0.1', host: there, queue: q", "host: uri says it already"),
        ("routing_key: ''", "queue: nothing says where messages go"),
        ("queue: q, exchange: e", "queue: it says where messages go, and so do exchange and routing_key"),
        ("queue: q, properties: {colour: red}", "properties: there is no property colour to set"),
        ("queue: q, vhost: ''", "vhost: it is empty"),
        ("queue: q, queue_type: quorum, durable: false", "durable: a quorum queue is durable"),
        ("queue: q, tls: true, certfile: mine.pem", "certfile: a client's certificate and keyfile belong together"),
        ("routing_key: '{json:id}'", "a JSON pointer begins with a slash"),
    ]
    for options, said in checked:
        t.path("wrong.yaml").write_text("version: 1\n" + (OUT % (1, options)).replace("port: 1, ", ""))
        _, err = t.run("check", t.path("wrong.yaml"), status=78)
        assert said in err and "secret-word" not in err.replace(options, ""), err


@test
def it_speaks_tls_and_trusts_only_whom_it_should(t):
    port, tls, folder = ports()
    if not (folder / "ca.pem").exists():
        raise Skip("openssl is not installed, so the broker has no certificate")
    with Peer(port) as peer:
        queue = peer.queue("tls")
        t.path("password").write_text("guest\n")
        options = f"host: localhost, queue: {queue}, tls: true, user: guest, password_file: password, cacertfile: {folder}/ca.pem"
        hub = t.start(OUT % (tls, options))
        hub.send("in", BINARY)
        equal([body for _, _, body in peer.take(queue, len(BINARY))], BINARY)
        hub.stop().all_delivered(len(BINARY))
        peer.publish(queue, BINARY)
        hub = t.start(BACK % (tls, options, "frames"))
        t.until_logged("log", BINARY)
        equal(logged(t), BINARY)
        hub.stop().all_delivered(len(BINARY))
        for wrong, said in (
            (options.replace("localhost", "127.0.0.1"), "SSL hostname verification failed.*connect to a host name"),
            (options.replace(f"{folder}/ca.pem", f"{folder}/server.pem"), "TLS|SSL"),
            (options.replace(f"{folder}/ca.pem", "nothing.pem"), "cacertfile: .*nothing.pem cannot be read"),
        ):
            hub = t.hub(BACK % (tls, wrong, "frames")).launch()
            hub.says(said)
            hub.stop()


@test
def a_broker_that_wants_a_certificate_gets_the_hubs_own(t):
    port, _, folder = ports()
    if not (folder / "ca.pem").exists():
        raise Skip("openssl is not installed, so the broker has no certificate")
    with RabbitMQ(t.path("broker"), wants_certificates=True) as broker, Peer(broker.port) as peer:
        peer.channel.queue_declare(queue := "mutual", durable=True)
        f = broker.folder
        options = f"host: localhost, queue: {queue}, tls: true, cacertfile: {f}/ca.pem"
        own = f"certfile: {f}/client.pem, keyfile: {f}/client.key"
        hub = t.start(OUT % (broker.tls_port, f"{options}, {own}"))
        hub.send("in", BINARY)
        hub.stop().all_delivered(len(BINARY))
        hub = t.start(BACK % (broker.tls_port, f"{options}, {own}", "frames"))
        t.until_logged("log", BINARY)
        hub.stop().all_delivered(len(BINARY))
        equal(logged(t), BINARY)
        for wrong, said in (
            (options, "disconnected: .*if it wants a certificate of its clients, give certfile and keyfile"),
            (f"{options}, certfile: {f}/client.pem, keyfile: {f}/server.key", "certfile: .*client.pem and keyfile .*server.key"),
        ):
            hub = t.hub(BACK % (broker.tls_port, wrong, "frames")).launch()
            hub.says(said)
            hub.stop(seconds=30)


# ---- what goes away


@test(seconds=150)
def connections_that_are_cut_again_and_again_lose_nothing(t):
    port, _, _ = ports()
    with Peer(port) as peer:
        proxy, queue = Proxy(port), peer.queue("cut")
        hub = t.start(BOTH % {"port": proxy.port, "queue": queue})
        sent = numbered(8000, size=100)
        writing = t.meanwhile(hub.send, "in", sent)
        cuts = 0
        for target in range(1000, 7001, 1500):
            until(lambda target=target: t.size("log") >= target * 104, f"{target} have come through", 60)
            proxy.cut()
            cuts += 1
        writing.join()
        got = until_all(t, sent)
        nothing_is_lost_or_made_up(got, sent, cuts * (500 + 200))
        firsts = list(dict.fromkeys(got))
        behind = sum(1 for a, b in zip(firsts, firsts[1:]) if b < a)
        assert behind <= cuts * 2, f"{behind} messages came before one that was sent earlier, with {cuts} cuts"
        says_account(hub.stop())


@test(seconds=150)
def a_stop_while_the_broker_is_silent_or_away_ends_in_time_and_keeps_all(t):
    port, _, _ = ports()
    with Peer(port) as peer:
        proxy, queue = Proxy(port), peer.queue("silent")
        yaml = "drain_timeout: 2s\n" + BOTH % {"port": proxy.port, "queue": queue}
        sent = numbered(3000)
        hub = t.start(yaml)
        hub.send("in", sent[:1000])
        until_all(t, sent[:1000])
        proxy.is_stalled = True
        hub.send("in", sent[1000:2000])
        began = time.monotonic()
        says_account(hub.stop(seconds=15))
        assert time.monotonic() - began < 10 * SLOW, "the stop took too long"
        proxy.is_stalled, proxy.refuses = False, True
        proxy.cut()
        hub.start()
        hub.send("in", sent[2000:])
        hub.says("cannot (connect to|log in to) RabbitMQ")
        says_account(hub.stop(seconds=15))
        proxy.refuses = False
        hub.start()
        got = until_all(t, sent)
        nothing_is_lost_or_made_up(got, sent, 3000)
        says_account(hub.stop())


@test
def a_quiet_connection_is_kept_by_heartbeats_even_while_the_hub_has_no_room(t):
    port, _, _ = ports()
    with Peer(port) as peer:
        queue = peer.queue("quiet")
        yaml = """
data_dir: state
sources: {back: {plugin: rabbitmq, log: {max_size: 64KiB}, options: {port: %d, queue: %s, heartbeat: 1s, prefetch_count: 500}}, in: {fifo: in}}
handlers: {stuck: {plugin: forward, options: {fifo: out}}, out: {plugin: rabbitmq, options: {port: %d, queue: %s, heartbeat: 1s}}}
routes: [{from: back, to: stuck}, {from: in, to: out}]
"""
        other = peer.queue("quiet2")
        hub = t.start(yaml % (port, queue, port, other))
        sent = numbered(1000, size=1000)
        peer.publish(queue, sent)
        until(lambda: peer.waiting(queue) == 500, "the hub has as many as the prefetch count")
        time.sleep(3.5)  # more than twice the heartbeat, in which the broker would give up
        reader = t.reader("out")
        equal(reader.take(1000), sent)
        hub.send("in", [b"still there"])
        equal([body for _, _, body in peer.take(other, 1)], [b"still there"])
        assert "RabbitMQ" not in hub.stderr(), hub.stderr()
        reader.close()
        hub.stop().all_delivered(1000, 1)


@test
def what_a_killed_hub_had_not_passed_on_is_the_brokers_again(t):
    port, _, _ = ports()
    with Peer(port) as peer:
        queue = peer.queue("killed")
        yaml = BACK % (port, f"queue: {queue}", "jsonl")
        stuck = yaml.replace("plugin: log, options: {path: log, format: jsonl}", "plugin: forward, options: {fifo: nobody}")
        hub = t.start(stuck)
        sent = numbered(50)
        peer.publish(queue, sent)
        until(lambda: hub.account_now().of("back")["accepted"] == 50, "the hub has them")
        for pid in hub.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        hub.process.wait()
        hub.ended = True
        shutil.rmtree(t.path("state"), ignore_errors=True)
        again = t.start(yaml)
        until(lambda: t.path("log").exists() and t.path("log").read_bytes().count(b"\n") >= 50, "they are logged")
        got = records(t)
        equal([payload for payload, _ in got], sent)
        equal({meta["redelivered"] for _, meta in got}, {"true"})
        again.stop().all_delivered(50)


@test(seconds=150)
def a_killed_child_or_worker_costs_repeats_and_no_message(t):
    port, _, _ = ports()
    with Peer(port) as peer:
        queue = peer.queue("kill")
        hub = t.start(BOTH % {"port": port, "queue": queue})
        sent, kills = numbered(8000, size=100), 0
        writing = t.meanwhile(hub.send, "in", sent)
        for target in range(1000, 7001, 1500):
            until(lambda target=target: t.size("log") >= target * 104, f"{target} have come through", 60)
            worker = worker_of(hub.process.pid)
            for victim in [worker] if kills == 2 else children_of(worker)[:2]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)
            kills += 1
        writing.join()
        nothing_is_lost_or_made_up(until_all(t, sent, 60), sent, kills * (500 + 200))
        says_account(hub.stop())


def random_victim(hub):
    """The hub's worker, or a process of one of its handlers or sources."""
    worker = worker_of(hub.process.pid)
    return random.choice([worker, *children_of(worker)]) if worker != hub.process.pid else None


@test(seconds=180 + 4 * SECONDS)
def chaos_loses_nothing(t):
    """Connections are cut, and the worker, its children and the keeper killed, at random; in a long run a broker, too."""
    port, _, _ = ports()
    with contextlib.ExitStack() as stack:
        broker = stack.enter_context(RabbitMQ(t.path("broker"))) if SECONDS >= 30 else None
        port = broker.port if broker else port
        peer = stack.enter_context(Peer(port))
        proxy, queue = Proxy(port), peer.queue("chaos")
        hub = t.start(BOTH % {"port": proxy.port, "queue": queue})
        sent, harm, keepers, restarting = [], 0, 0, None

        def restart():
            broker.kill()
            broker.start()

        def kill_keeper():
            writer.close()
            kill_the_keeper(hub)
            return t.writer("in")

        writer = t.writer("in")
        end = time.monotonic() + SECONDS
        next_harm = time.monotonic() + 0.5
        while time.monotonic() < end:
            some = numbered(50, len(sent), size=200)
            writer.send(*some)
            sent += some
            time.sleep(0.005)  # a rate, so that harm meets the stream in its middle
            if time.monotonic() < next_harm:
                continue
            next_harm = time.monotonic() + random.uniform(0.3, 0.9)
            harm += 1
            if broker and random.random() < 0.1 and (restarting is None or not restarting.is_alive()):
                restarting = t.meanwhile(restart)
            elif random.random() < 0.05:
                writer, keepers = kill_keeper(), keepers + 1
            elif random.random() < 0.4:
                proxy.cut()
            elif victim := random_victim(hub):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)
        writer.close()
        if restarting:
            restarting.join()
        got = until_all(t, sent, 60 + 2 * SECONDS)
        nothing_is_lost_or_made_up(got, sent, harm * (500 + 200) * 2)
        print(f"{len(sent)} messages, {harm} times harm, {keepers} of it to the keeper, {len(got) - len(sent)} repeats")
        says_account(hub.stop())


@test(seconds=400)
def a_broker_that_is_killed_or_takes_nothing_loses_nothing(t):
    ports()  # or there is no RabbitMQ here
    with RabbitMQ(t.path("broker")) as broker:
        with Peer(broker.port) as peer:
            peer.channel.queue_declare(queue := "stays", durable=True)
        hub = t.start(BOTH % {"port": broker.port, "queue": queue})
        sent = numbered(6000, size=100)
        hub.send("in", sent[:1000])
        until_all(t, sent[:1000])
        broker.control("set_vm_memory_high_watermark", "0.000001")
        writing = t.meanwhile(hub.send, "in", sent[1000:3000])
        hub.says(r"takes no messages for now \(.*\): they wait")
        broker.control("set_vm_memory_high_watermark", "absolute", "512MB")
        hub.says("takes messages again")
        writing.join()
        until_all(t, sent[:3000], 40)
        before = len(logged(t))
        equal(before, 3000, "there is no repeat before anything broke")
        writing = t.meanwhile(hub.send, "in", sent[3000:])
        until(lambda: t.size("log") > 3500 * 104, "they flow")
        broker.kill()
        hub.says("warning: out: disconnected: ")
        broker.start()
        writing.join()
        got = until_all(t, sent, 60)
        nothing_is_lost_or_made_up(got, sent, 2 * (500 + 200))
        says_account(hub.stop())
