# SPDX-License-Identifier: Apache-2.0
"""The plugin kafka against Kafka itself: both ways, through outages, deaths and refusals. Peers are kcat and Kafka's own tools."""

import base64
import collections
import json
import os
import pathlib
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE), str(HERE.parent / "crash")]

import npm  # noqa: E402 (its folder must be known first)
from kafka import peer  # noqa: E402
from killer import children_of  # noqa: E402
from kit import equal, test, until  # noqa: E402
from kit.bench import Skip  # noqa: E402
from kit.timing import SLOW  # noqa: E402
from peer_programs import kill_the_keeper  # noqa: E402
from servers import free_port, shared  # noqa: E402
from servers.kafka import Kafka, Mock, java  # noqa: E402

PLUGIN = HERE.parents[1] / "plugins/kafka"

OUT = """
data_dir: state
sources: {in: {fifo: in}}
handlers:
  out: {plugin: kafka, options: {bootstrap_servers: [%s], topic: %s%s}}
routes: [{from: in, to: out}]
"""
BACK = """
data_dir: state
sources:
  back: {plugin: kafka, options: {bootstrap_servers: [%s], topic: %s%s}}
handlers:
  log: {plugin: log, options: {path: %s}}
routes: [{from: back, to: log}]
"""
FRAMES = "log, format: frames"
LINES = "log.jsonl, format: jsonl"
# So that a server that comes again is found soon, and a member that was killed is not waited for.
SOON = ", properties: {reconnect.backoff.max.ms: 500}"
QUICK = ", properties: {reconnect.backoff.max.ms: 500, session.timeout.ms: 6000, group.instance.id: hub}"
SPECIAL = [b"", b"x", b"one\ntwo\r\n\0three", bytes(range(256)), "größer".encode(), b"\xff\xfe" * 400_000, b"last"]


def numbered(count, start=0):
    return [b"message %06d" % i for i in range(start, start + count)]


def topic_of(t, address, partitions=1, name="", **settings):
    """A topic that no other test has."""
    return peer.create_topic(address, re.sub(r"[^a-z0-9]", "-", f"{t.folder.name.lower()}{name}")[-200:], partitions, **settings)


def records(t):
    path = t.path("log.jsonl")
    written = path.read_bytes() if path.exists() else b""
    return [json.loads(line) for line in written[: written.rfind(b"\n") + 1].splitlines()]


def kill_child(hub):
    """One of the processes that the plugin runs in."""
    for worker in hub.pids()[1:]:
        for child in children_of(worker):
            os.kill(child, signal.SIGKILL)
            return True
    return False


def kill_worker(hub):
    for worker in hub.pids()[1:]:
        os.kill(worker, signal.SIGKILL)


def repeats(messages):
    return sum(collections.Counter(messages).values()) - len(set(messages))


def in_order(messages):
    """Whether the first appearances of messages are in the order of the alphabet."""
    first = list(dict.fromkeys(messages))
    return first == sorted(first)


# ---- content


def goes_and_comes_back(t, address, topic):
    hub = t.start(OUT % (address, topic, ", partition: 0"))  # the mock's topics have four
    hub.send("in", SPECIAL)
    hub.stop().all_delivered(len(SPECIAL))
    equal(peer.read(address, topic), SPECIAL)
    hub = t.start(BACK % (address, topic, "", FRAMES))
    t.until_logged("log", SPECIAL)
    hub.stop().all_delivered(len(SPECIAL))
    equal(t.frames("log"), SPECIAL)


@test
def whatever_bytes_messages_have_they_go_to_kafka_and_come_back(t):
    address = shared("kafka")
    goes_and_comes_back(t, address, topic_of(t, address))


@test
def whatever_bytes_messages_have_they_pass_the_broker_that_librdkafka_plays(t):
    goes_and_comes_back(t, shared("kafka_mock"), "everything")


@test
def a_group_brings_what_kcat_wrote_and_goes_on_where_it_had_committed(t):
    address = shared("kafka")
    topic = topic_of(t, address, 3)
    special = SPECIAL[1:]  # kcat has no way to write an empty one
    peer.write(t, address, topic, special)
    peer.write_lines(address, topic, numbered(5000))
    yaml = BACK % (address, topic, f", group_id: {topic}", FRAMES)
    hub = t.start(yaml)
    until(lambda: len(t.frames_so_far("log")) >= 5000 + len(special), "all came")
    hub.stop().all_delivered(5000 + len(special))
    equal(sorted(t.frames("log")), sorted(special + numbered(5000)))
    peer.write_lines(address, topic, numbered(100, 5000))
    hub = t.start(yaml)
    until(lambda: len(t.frames_so_far("log")) >= 5100 + len(special), "the rest came")
    hub.stop().all_delivered(100)
    equal(sorted(t.frames("log")), sorted(special + numbered(5100)))


@test
def keys_headers_and_tombstones_are_metadata_both_ways(t):
    address = shared("kafka")
    topic, copy = topic_of(t, address), topic_of(t, address, name="-copy")
    peer.write(t, address, topic, [b"with all"], "-k", "the key", "-H", "a=1", "-H", "a=2", "-H", "empty=")
    peer.write_lines(address, topic, [b"plain"])
    peer.write_lines(address, topic, [b"gone:"], "-K:", "-Z")
    hub = t.start(f"""
data_dir: state
sources:
  back: {{plugin: kafka, options: {{bootstrap_servers: [{address}], topic: {topic}}}}}
handlers:
  log: {{plugin: log, options: {{path: {LINES}}}}}
  out:
    plugin: kafka
    options:
      bootstrap_servers: [{address}]
      topic: {copy}
      key: "{{meta:key|none}}"
      headers: {{from: "{{source}}", at: "{{meta:offset}}"}}
      id_header: id
routes: [{{from: back, to: [log, out]}}]
""")
    until(lambda: len(peer.read(address, copy)) == 3, "all are copied")
    hub.stop().all_delivered(3)
    meta = [record["meta"] for record in records(t)]
    places = [{"topic": topic, "partition": "0", "offset": str(i)} for i in range(3)]
    for one, place in zip(meta, places):
        assert abs(int(one.pop("timestamp")) / 1000 - time.time()) < 600
        equal({k: one.pop(k) for k in place}, place)
    equal(meta, [{"a": meta[0]["a"], "empty": "", "key": "the key"}, {}, {"key": "gone", "tombstone": "true"}])
    assert meta[0]["a"] in (["1", "2"], "2"), meta[0]
    said = peer.kcat(address, "-C", "-q", "-e", "-t", copy, "-f", "%k|%h|%S|%s\n").decode().splitlines()
    equal(said, [
        "the key|from=back,at=0,id=back:1,a=1,a=2,empty=|8|with all",
        "none|from=back,at=1,id=back:2|5|plain",
        "gone|from=back,at=2,id=back:3|-1|",
    ])  # fmt: skip


@test
def topics_and_keys_are_templates_and_what_they_lack_is_dead_lettered(t):
    address = shared("kafka")
    one, two = topic_of(t, address, 4, name="-one"), topic_of(t, address, name="-two")
    prefix = one[: -len("one")]
    hub = t.start(OUT % (address, f'"{prefix}{{json:/topic}}"', ', key: "{json:/id|}"'))
    to = [b'{"topic":"one","id":"%d"}' % (i % 3) for i in range(30)] + [b'{"topic":"two"}'] * 5
    lost = [b"no json", b'{"topic":"a/b"}', b'{"topic":"nowhere"}']
    hub.send("in", to + lost)
    hub.says("dead-lettered .*topic: its payload is no JSON")
    hub.says(r"dead-lettered .*topic '\S+a/b': a topic's name has letters, digits")
    hub.says(r"dead-lettered .*topic '\S+nowhere' does not exist; create it")
    hub.stop().says("in", accepted=38).says("in -> out", delivered=35, dead_lettered=3, dead_letters={"rejected": 3})
    equal(sorted(peer.read(address, one) + peer.read(address, two)), sorted(to))
    where = peer.kcat(address, "-C", "-q", "-e", "-t", one, "-f", "%k %p\n").split(b"\n")
    equal(len(set(where) - {b""}), 3, "each key has a partition")


@test(seconds=240)
def kafkas_own_tools_read_what_a_hub_sends_and_send_what_it_reads(t):
    address = shared("kafka")
    topic = topic_of(t, address)
    hub = t.start(OUT % (address, topic, ', key: "{json:/id}", headers: {host: web-1}'))
    sent = [b'{"id":"%d","text":"gr\xc3\xb6\xc3\x9fer"}' % i for i in range(200)]
    hub.send("in", sent)
    hub.stop().all_delivered(200)
    shown = ["--property", "print.key=true", "--property", "print.headers=true"]
    command = java("org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", address, "--topic", topic, "--from-beginning", "--max-messages", "200", *shown)
    read = subprocess.run(command, capture_output=True, timeout=100 * SLOW)
    equal(read.stdout.splitlines(), [b"host:web-1\t%d\t%s" % (i, message) for i, message in enumerate(sent)], read.stderr.decode())
    command = java("kafka.tools.ConsoleProducer", "--bootstrap-server", address, "--topic", topic, "--property", "parse.key=true", "--property", "parse.headers=true")
    wrote = subprocess.run(command, input=b"".join(b"h:%d\tk%d\t%s\n" % (i, i, m) for i, m in enumerate(numbered(200))), capture_output=True, timeout=100 * SLOW)
    equal(wrote.returncode, 0, wrote.stderr.decode())
    hub = t.start(BACK % (address, topic, f", group_id: {topic}", LINES))
    until(lambda: len(records(t)) >= 400, "all came")
    hub.stop().all_delivered(400)
    last = records(t)[200:]
    equal([(r["text"], r["meta"]["h"], r["meta"]["key"]) for r in last], [(m.decode(), str(i), f"k{i}") for i, m in enumerate(numbered(200))])


@test(seconds=150)
def kafkajs_takes_what_the_handler_sends_and_the_source_takes_what_kafkajs_sends(t):
    address = shared("kafka")
    topic, back = topic_of(t, address, name="-to"), topic_of(t, address, name="-of")
    hub = t.start(OUT % (address, topic, ', key: "{json:/id|none}", headers: {host: web-1}, compression: gzip'))
    sent = [b'{"id":7}', *SPECIAL, *numbered(300)]
    hub.send("in", sent)
    hub.stop().all_delivered(len(sent))
    got = npm.run(t, "kafka", address, "receive", topic, len(sent))
    equal([base64.b64decode(record["value"]) for record in got], sent)
    equal([base64.b64decode(record["key"]) for record in got], [b"7", *[b"none"] * (len(sent) - 1)])
    equal({base64.b64decode(record["headers"]["host"]) for record in got}, {b"web-1"})
    text = [base64.b64encode(m).decode() for m in sent]
    lines = [{"key": base64.b64encode(b"k\xff").decode(), "value": value, "headers": {"device": "ZDc="}} for value in text]
    lines.append({"key": "Z29uZQ==", "value": None})
    npm.run(t, "kafka", address, "send", back, input="".join(json.dumps(line) + "\n" for line in lines).encode())
    hub = t.start(BACK % (address, back, f", group_id: {back}", LINES))
    until(lambda: len(records(t)) >= len(lines), "all came")
    hub.stop().all_delivered(len(lines))
    payloads = [base64.b64decode(record["base64"]) if "base64" in record else record["text"].encode() for record in records(t)]
    equal(payloads, [*sent, b""])
    equal([record["meta"]["device"] for record in records(t)[:-1]], ["d7"] * len(sent))
    equal((records(t)[0]["meta"]["key"], records(t)[-1]["meta"]["tombstone"]), ({"base64": "a/8="}, "true"))


@test
def what_the_page_shows_is_what_happens(t):
    address = shared("kafka")
    readme = (PLUGIN / "README.md").read_text()
    (commands,), (shown,) = (re.findall(rf"^```{kind}\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL) for kind in ("sh", "output"))
    creates, runs, sends = commands.splitlines()
    equal(creates, "kafka-topics --bootstrap-server localhost:9092 --create --topic orders")
    equal(runs, "standpipe run plugins/kafka/example.yaml &")
    topic = topic_of(t, address)
    out, _ = t.run("test", PLUGIN / "example.yaml")
    assert b"2 passed, 0 failed" in out, out
    yaml = (PLUGIN / "example.yaml").read_text().replace("/tmp/", f"{t.folder}/").replace("localhost:9092", address)
    hub = t.start("data_dir: state\n" + yaml.replace("topic: orders", f"topic: {topic}"))
    words = shlex.split(sends.replace("/tmp/", shlex.quote(f"{t.folder}/")))
    t.run(*words[1:])
    until(lambda: hub.stdout() == shown.encode(), "it shows what the page shows")
    hub.stop().all_delivered(2, 2)


# ---- refusals


@test
def a_topic_that_is_missing_holds_handler_and_source_with_a_remedy(t):
    address = shared("kafka")
    yaml = (OUT % (address, "missing-a", "")).replace("sources: {in: {fifo: in}}", f"""
sources:
  in: {{fifo: in}}
  back: {{plugin: kafka, options: {{bootstrap_servers: [{address}], topic: missing-b, group_id: g}}}}""")
    hub = t.hub(yaml.replace("from: in", "from: [in, back]")).launch()
    hub.says("out is held: topic 'missing-a' does not exist; create it", seconds=40)
    hub.says("back is held: topic 'missing-b' does not exist; create it", seconds=40)
    hub.stop()


@test
def what_is_too_large_is_dead_lettered_with_the_limit_and_the_others_pass(t):
    address = shared("kafka")
    topic = topic_of(t, address, max_message_bytes=2000)
    hub = t.start(OUT % (address, topic, ", message_max_bytes: 10000"))
    fits = numbered(500)
    hub.send("in", fits[:200] + [b"a" * 20_000] + fits[200:400] + [b"b" * 5000] + fits[400:])
    hub.says(r"dead-lettered \(rejected\): 20000 bytes, and 0 of the key, are more than message_max_bytes \(10000\)")
    hub.says(r"dead-lettered \(rejected\): the broker refuses it as too large: raise max.message.bytes of topic", seconds=40)
    until(lambda: set(fits) <= set(peer.read(address, topic)), "all that fits is there", 40)
    hub.stop().says("in", accepted=502).says("in -> out", delivered=500, dead_lettered=2, dead_letters={"rejected": 2})
    got = peer.read(address, topic)
    equal(set(got), set(fits))
    assert in_order(got), "the order is kept"


@test
def options_that_make_no_sense_are_said_when_they_are_checked(t):
    for options, said in (
        ("topic: a/b", "topic: a topic's name has letters, digits"),
        ("topic: t, properties: {sasl.password: secret}", "properties: sasl.password: it would be shown; the option for it is never shown: write sasl_password: there"),
        ("topic: t, properties: {acks: 0}", "properties: acks: a message counts as delivered only when all replicas in sync have it"),
        ("topic: t, properties: {nonsense: 1}", 'properties: nonsense: No such configuration property: "nonsense"'),
        ("topic: t, properties: {enable.auto.commit: true}", "properties: enable.auto.commit: offsets are committed only when"),
    ):
        t.path("c.yaml").write_text("version: 1\n" + OUT.replace("topic: %s%s", options) % "127.0.0.1:1")
        _, err = t.run("check", "c.yaml", status=78)
        assert said in err, err


def authority(folder):
    """ca.pem, and by it localhost's and a client's certificates: cert.pem with key.pem, client.pem with client.key."""
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    new = ["openssl", "req", "-newkey", "rsa:2048", "-nodes"]
    by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names"]
    for command in (
        [*new, "-x509", "-days", "2", "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem"],
        [*new, "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "cert.csr"],
        ["openssl", "x509", "-req", "-days", "2", "-in", "cert.csr", "-out", "cert.pem", *by],
        [*new, "-subj", "/CN=hub", "-keyout", "client.key", "-out", "client.csr"],
        ["openssl", "x509", "-req", "-days", "2", "-in", "client.csr", "-out", "client.pem", *by],
    ):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)


class Mutual(Kafka):
    """It knows its clients by their certificates."""

    name = "kafka_mutual"
    protocol = "SSL"
    more = """
ssl.client.auth=required
ssl.keystore.type=PEM
ssl.keystore.location=both.pem
ssl.truststore.type=PEM
ssl.truststore.location=ca.pem
"""

    def prepare(self):
        super().prepare()
        authority(self.folder)
        (self.folder / "both.pem").write_text((self.folder / "key.pem").read_text() + (self.folder / "cert.pem").read_text())


@test(seconds=200)
def a_broker_that_wants_a_certificate_gets_the_hubs_own(t):
    if not shutil.which("openssl"):
        raise Skip("there is no openssl")
    server = Mutual(t.path("server"))
    if server.missing():
        raise Skip(server.missing())
    with server:
        address, f = server.address(), server.folder
        client = {"security.protocol": "ssl", "ssl.ca.location": f"{f}/ca.pem"}
        client |= {"ssl.certificate.location": f"{f}/client.pem", "ssl.key.location": f"{f}/client.key"}
        peer.create_topic(address, "mutual", client=client.items())
        trust = f", security_protocol: ssl, ssl_ca_location: {f}/ca.pem"
        own = f", ssl_certificate_location: {f}/client.pem, ssl_key_location: {f}/client.key"
        hub = t.start(OUT % (address, "mutual", trust + own))
        hub.send("in", numbered(100))
        hub.stop().all_delivered(100)
        hub = t.start(BACK % (address, "mutual", trust + own, FRAMES))
        t.until_logged("log", numbered(100))
        hub.stop().all_delivered(100)
        equal(t.frames("log"), numbered(100))
        stranger = t.hub("drain_timeout: 1s" + OUT % (address, "mutual", trust)).launch()
        stranger.says("out: disconnected: .*(certificate|SSL)", seconds=60)
        stranger.stop(seconds=30)


class Secured(Kafka):
    """With TLS by a certificate of its own, and a user."""

    name = "kafka_secured"
    protocol = "SASL_SSL"
    more = """
sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="admin" password="broker" user_admin="broker" user_hub="kept-quiet";
ssl.keystore.type=PEM
ssl.keystore.location=both.pem
ssl.truststore.type=PEM
ssl.truststore.location=cert.pem
"""

    def prepare(self):
        super().prepare()
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
        command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True)
        (self.folder / "both.pem").write_text((self.folder / "key.pem").read_text() + (self.folder / "cert.pem").read_text())


@test(seconds=150)
def a_user_logs_in_over_tls_and_a_wrong_password_is_held_and_never_shown(t):
    if not shutil.which("openssl"):
        raise Skip("there is no openssl")
    server = Secured(t.path("server"))
    if server.missing():
        raise Skip(server.missing())
    with server:
        address = server.address()
        t.path("password").write_text("kept-quiet\n")
        login = f", security_protocol: sasl_ssl, sasl_mechanism: PLAIN, sasl_username: hub, ssl_ca_location: {server.folder}/cert.pem"
        client = {"security.protocol": "sasl_ssl", "sasl.mechanism": "PLAIN", "sasl.username": "hub", "sasl.password": "kept-quiet"}
        client["ssl.ca.location"] = server.folder / "cert.pem"
        hub = t.hub(OUT % (address, "private", login + ", sasl_password: wrong-and-quiet")).launch()
        hub.says("out is held: .*correct sasl_username, sasl_password or sasl_mechanism", seconds=40)
        hub.stop()
        assert "wrong-and-quiet" not in hub.stderr()
        peer.create_topic(address, "private", client=client.items())
        hub = t.start(OUT % (address, "private", login + ", sasl_password_file: password"))
        hub.send("in", numbered(100))
        hub.stop().all_delivered(100)
        equal(peer.read(address, "private", *(word for name, value in client.items() for word in ("-X", f"{name}={value}"))), numbered(100))
        assert "kept-quiet" not in hub.stderr()


# ---- outages


@test(seconds=300)
def a_server_that_dies_and_comes_again_costs_nothing(t):
    server = Kafka(t.path("server"))
    if server.missing():
        raise Skip(server.missing())
    with server:
        address = server.address()
        topic = topic_of(t, address)
        hub = t.start(f"""
drain_timeout: 4s
data_dir: state
sources:
  in: {{fifo: in}}
  back: {{plugin: kafka, options: {{bootstrap_servers: [{address}], topic: {topic}, group_id: g{QUICK}}}}}
handlers:
  out: {{plugin: kafka, options: {{bootstrap_servers: [{address}], topic: {topic}{SOON}}}}}
  log: {{plugin: log, options: {{path: {FRAMES}}}}}
routes: [{{from: in, to: out}}, {{from: back, to: log}}]
""")
        hub.send("in", numbered(2000))
        until(lambda: len(t.frames_so_far("log")) >= 1000, "they come back")
        sending = t.meanwhile(hub.send, "in", numbered(18_000, 2000))
        server.kill()
        hub.says("no broker is reached")
        sending.join()
        server.start()
        until(lambda: len(set(t.frames("log"))) >= 20_000, "all came back", 100)
        server.kill()
        hub.send("in", numbered(1000, 20_000))
        began = time.monotonic()
        account = hub.stop(seconds=30)
        assert time.monotonic() - began < 20 * SLOW, "the stop ends in time"
        account.says("in", accepted=21_000).says("in -> out", delivered=20_000, in_flight=1000)
        account.of("back"), account.of("back -> log")
        before = len(t.frames("log"))
        server.start()
        hub = t.start(hub.config.read_text().replace("version: 1\n", ""))
        until(lambda: len(set(t.frames("log"))) >= 21_000, "the rest came", 100)
        hub.stop().all_delivered(1000, len(t.frames("log")) - before)
        there, logged = peer.read(address, topic), t.frames("log")
        equal(set(there), set(numbered(21_000)))
        equal(set(logged), set(there))
        assert in_order(there) and in_order(logged), "order is kept"
        equal(repeats(there[:20_000]), 0, "the broker drops what an idempotent producer sends twice")
        assert repeats(logged) <= 22_000, repeats(logged)


@test(seconds=120)
def a_producer_that_the_broker_refuses_for_good_is_made_anew_and_nothing_is_lost(t):
    """librdkafka ends an idempotent producer whose numbers do not fit what the broker has; the broker here says that they do not."""
    server = Mock(t.path("server"))
    if server.missing():
        raise Skip(server.missing())
    produce, window = 0, 500
    with server:
        address = server.address()
        hub = t.start(OUT % (address, "everything", f", partition: 0, queue_buffering_max_messages: {window}"))
        sent = refused = 0
        for name, error in (("OUT_OF_ORDER_SEQUENCE_NUMBER", 45), ("INVALID_PRODUCER_EPOCH", 47)):
            hub.send("in", numbered(1000, sent))
            until(lambda sent=sent: hub.account_now().of("in -> out")["delivered"] == sent + 1000, "they are delivered", 40)
            server.fail(produce, error)
            hub.send("in", numbered(3000, sent + 1000))
            sent += 4000
            refused += 1
            until(lambda sent=sent: hub.account_now().of("in -> out")["delivered"] == sent, f"all are delivered after {name}", 60)
            hub.says("out: connected again", count=refused)
        hub.says("out: disconnected: librdkafka ended: .*out of order sequence number")
        hub.says("out: disconnected: .*old epoch")
        hub.stop().all_delivered(sent)
        there = peer.read(address, "everything", "-p", "0")
        equal(set(there), set(numbered(sent)))
        assert in_order(there), "the first of each is in order"
        assert repeats(there) <= refused * window, f"{repeats(there)} repeats after {refused} producers with a window of {window}"


@test(seconds=90)
def a_hub_that_is_killed_in_pieces_loses_nothing(t):
    address = shared("kafka")
    topic = topic_of(t, address, 2)
    hub = t.start(f"""
data_dir: state
sources:
  in: {{fifo: in}}
  group: {{plugin: kafka, options: {{bootstrap_servers: [{address}], topic: {topic}, group_id: {topic}{QUICK}}}}}
  own: {{plugin: kafka, options: {{bootstrap_servers: [{address}], topic: {topic}}}}}
handlers:
  out: {{plugin: kafka, options: {{bootstrap_servers: [{address}], topic: {topic}}}}}
  of_group: {{plugin: log, options: {{path: group, format: frames}}}}
  of_own: {{plugin: log, options: {{path: own, format: frames}}}}
routes: [{{from: in, to: out}}, {{from: group, to: of_group}}, {{from: own, to: of_own}}]
""")
    for round in range(4):
        hub.send("in", numbered(3000, 3000 * round))
        (kill_worker if round == 2 else kill_child)(hub)
    count = 12_000
    until(lambda: t.path("own").exists() and t.path("group").exists(), "they begin")
    until(lambda: len(set(t.frames("own"))) >= count, "all came to the hub that keeps offsets", 40)
    until(lambda: len(set(t.frames("group"))) >= count, "all came to the group", 40)
    there = peer.read(address, topic)
    equal(set(there), set(numbered(count)))
    until(lambda: len(t.frames_so_far("own")) >= len(there), "repeats came, too")
    account = hub.stop(seconds=40)
    for part in account.parts:
        account.of(part)
    equal(sorted(t.frames("own")), sorted(there), "by the hub's own offsets each record comes once")
    equal(set(t.frames("group")), set(there))


@test(seconds=60)
def a_hub_without_room_pauses_and_stays_a_member(t):
    address = shared("kafka")
    topic = topic_of(t, address)
    peer.write_lines(address, topic, numbered(20_000))
    quick = ", properties: {session.timeout.ms: 2000, heartbeat.interval.ms: 500, max.poll.interval.ms: 3000}"
    hub = t.start(f"""
data_dir: state
sources:
  back: {{plugin: kafka, options: {{bootstrap_servers: [{address}], topic: {topic}, group_id: {topic}{quick}}}, log: {{max_size: 64KiB}}}}
handlers:
  next: {{plugin: forward, options: {{fifo: next}}}}
routes: [{{from: back, to: next}}]
""")
    reader = t.reader("next")
    got = reader.take(1000)
    time.sleep(5)  # more than max.poll.interval.ms, which is what this is about
    got += reader.take(19_000, seconds=30)
    equal(got, numbered(20_000))
    until(lambda: hub.account_now().of("back -> next")["in_flight"] == 0, "all are counted")
    account = hub.stop()
    equal(account.of("back")["accepted"], 20_000, "nothing came twice")
    account.of("back -> next")


@test(seconds=60)
def members_of_a_group_share_and_hand_over(t):
    address = shared("kafka")
    topic = topic_of(t, address, 4)
    yaml = BACK.replace("data_dir: state", "data_dir: state%s") % ("%s", address, topic, f", group_id: {topic}", "log%s, format: frames")
    one = t.start(yaml % (1, 1))
    peer.write_lines(address, topic, numbered(4000))
    until(lambda: len(set(t.frames("log1"))) >= 4000, "the first has all")
    two = t.start(yaml % (2, 2))
    two.says("the group gives it 2 partitions")
    for i in range(4):
        peer.write_lines(address, topic, numbered(1000, 4000 + 1000 * i), "-p", i)
    until(lambda: len(set(t.frames("log1", "log2"))) >= 8000, "all came to one of them")
    assert t.frames("log2"), "the second has some"
    one.stop().all_delivered(len(t.frames("log1")))
    for i in range(4):
        peer.write_lines(address, topic, numbered(250, 8000 + 250 * i), "-p", i)
    until(lambda: len(set(t.frames("log1", "log2"))) >= 9000, "the second has what the first left", 30)
    two.stop().all_delivered(len(t.frames("log2")))
    equal(sorted(t.frames("log1", "log2")), numbered(9000), "each came to one of them, once")


@test(seconds=90)
def nobody_listens_and_the_hub_starts_and_stops_all_the_same(t):
    address = f"127.0.0.1:{free_port()}"
    hub = t.start("drain_timeout: 3s" + OUT % (address, "t", ""))
    hub.says("out: disconnected: no broker is reached: .*Connection refused")
    hub.send("in", numbered(100))
    began = time.monotonic()
    account = hub.stop(seconds=30)
    assert time.monotonic() - began < 15 * SLOW
    account.says("in", accepted=100).says("in -> out", in_flight=100)


@test(seconds=300)
def chaos_costs_nothing(t):
    seconds = float(os.environ.get("STANDPIPE_BRIDGE_SECONDS", "6"))
    server = Kafka(t.path("server"))
    if server.missing():
        raise Skip(server.missing())
    chance, window = random.Random(os.environ.get("STANDPIPE_TEST_SEED", "7")), 500
    with server:
        address = server.address()
        topic = topic_of(t, address, 2)
        hub = t.start(f"""
data_dir: state
sources:
  in: {{fifo: in}}
  group: {{plugin: kafka, options: {{bootstrap_servers: [{address}], topic: {topic}, group_id: g{QUICK}}}}}
  own: {{plugin: kafka, options: {{bootstrap_servers: [{address}], topic: {topic}{SOON}}}}}
handlers:
  out: {{plugin: kafka, options: {{bootstrap_servers: [{address}], topic: {topic}, queue_buffering_max_messages: {window}{SOON}}}}}
  of_group: {{plugin: log, options: {{path: group, format: frames}}}}
  of_own: {{plugin: log, options: {{path: own, format: frames}}}}
routes: [{{from: in, to: out}}, {{from: group, to: of_group}}, {{from: own, to: of_own}}]
""")
        until(lambda: os.path.exists(t.path("in")), "the FIFO is made")
        sent, breaks, writer, end = 0, 1, t.writer("in"), time.monotonic() + seconds
        at = time.monotonic() + seconds / 3  # the server dies once, the others as it comes
        while time.monotonic() < end:
            writer.send(*numbered(200, sent))
            sent += 200
            if time.monotonic() > at:
                at = end
                server.kill()
                server.start()
            elif chance.random() < 0.02:
                if chance.random() < 0.08:
                    writer.close()
                    kill_the_keeper(hub)
                    writer = t.writer("in")
                else:
                    chance.choice([kill_child, kill_child, kill_worker])(hub)
                breaks += 1
            time.sleep(0.01)  # the rate of the load
        writer.close()
        until(lambda: len(set(t.frames("own"))) >= sent and len(set(t.frames("group"))) >= sent, "all came", 120)
        there = peer.read(address, topic)
        until(lambda: len(t.frames_so_far("own")) >= len(there), "repeats came, too")
        account = hub.stop(seconds=40)
        for part in account.parts:
            account.of(part)
        equal(set(there), set(numbered(sent)), "what is in Kafka")
        equal(set(t.frames("group")), set(there), "what the group brought")
        equal(sorted(t.frames("own")), sorted(there), "what came by the hub's own offsets")
        # A producer that dies has not heard of its window. Offsets are committed ten times a second, so what a group brings in that
        # time comes again; after an outage it catches up at 100,000 messages a second at most.
        of_producer, of_group = repeats(there), len(t.frames("group")) - len(there)
        print(f"{sent} messages, {breaks} breaks: {of_producer} repeats in Kafka, {of_group} more of the group")
        assert of_producer <= breaks * window, f"{of_producer} repeats in Kafka after {breaks} breaks with a window of {window}"
        assert of_group <= breaks * 10_000, f"{of_group} repeats of the group after {breaks} breaks"
