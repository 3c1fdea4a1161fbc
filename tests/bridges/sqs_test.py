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
import time

import kit
import npm
from kit import equal, frames_in, process
from kit.bench import Skip
from kit.timing import SLOW
from peer_programs import kill_the_keeper
from servers import shared
from servers.sqs import KEY, TEMPORARY, Queues, Sqs, payload

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECONDS = float(os.environ.get("STANDPIPE_BRIDGE_SECONDS", "6"))
IN_FLIGHT = 20  # in the chaos, which sends 100 between two deaths: more would let all come again

OUT = """
data_dir: state
sources: {in: {fifo: in}}
handlers:
  it: {plugin: sqs, retry: {backoff: {initial: 20ms, max: 300ms}}, options: {queue: %s, endpoint_url: "%s"%s}}
routes: [{from: in, to: it}]
"""
IN = """
data_dir: state-in
sources:
  it: {plugin: sqs, retry: {backoff: {initial: 20ms, max: 300ms}}, options: {queue: %s, endpoint_url: "%s"%s}}
handlers:
  out: {plugin: log, options: {path: out, format: %s, sync: never}}
routes: [{from: it, to: out}]
"""


def test(function):
    """Emulators and clients in Node take long to start on a machine that has much to do."""
    return kit.test(function, seconds=180)


def until(condition, what, seconds=60):
    return kit.until(condition, what, seconds)


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
    short = [b"", b"a", "straße €".encode(), bytes(range(256)), b"\x00", b"tab\tnewline\n", b"\xef\xbf\xbf", b'{"a": "\\"}']
    return [*short, b"x" * 200_000, os.urandom(200_000)]


def peer(t, queues, *arguments, input=b""):
    return npm.run(t, "sqs", queues.endpoint, *arguments, input=input, env=environment(t))


def received(queues, queue, count, seconds=60):
    """So many messages of a queue, in the order in which they came."""
    got = []

    def enough():
        got.extend(queues.take(queue))
        return len(got) >= count

    until(enough, f"{count} messages are in {queue}", seconds)
    return got


def so_far(t, file):
    """The payloads in a file that is being written."""
    return frames_in(t.path(file).read_bytes(), incomplete=True)[0] if t.path(file).exists() else []


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
    equal(queues.seen("out")["refused"], [], "signatures that were refused")


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
    for decoded, body in ((b"", "\n"), (b"\x00\x01", "AAE="), (b"no base64!", "no base64!")):
        texts.append(decoded)
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
    equal(next(line for line in lines if line.get("text") == "no base64!")["meta"]["encoding"], "base64")


@test
def the_second_emulator_takes_and_gives_the_same(t):
    with own_server(t, emulator="local-aws-sqs") as (_, queues):
        queues.create("a")
        messages = some_of_each_kind() + ["straße 😀".encode()] + numbered(200)
        out = sender(t, queues, "a")
        out.send("in", messages)
        until(lambda: queues.waiting("a")[0] == len(messages), "all are in the queue")
        out.stop().all_delivered(len(messages))
        into = receiver(t, queues, "a", "receivers: 2, wait_time_seconds: 1")
        t.until_logged("out", messages, 60)
        until(lambda: queues.waiting("a") == (0, 0), "all are deleted")
        into.stop().all_delivered(len(messages))
        equal(sorted(t.frames("out")), sorted(messages))
        equal(queues.seen("a")["refused"], [], "signatures that were refused")


@test
def metadata_and_templates_become_attributes_and_come_back(t):
    queues = common_queues()
    queues.create("with-attributes")
    queues.create("through", VisibilityTimeout="30")
    attributes = {n: {"DataType": "String", "StringValue": v} for n, v in (("key", "k7"), ("trace", "t-1"))}
    queues.send("through", [{"MessageBody": '{"kind": "alarm"}', "MessageAttributes": attributes}, {"MessageBody": "plain"}])
    hub = t.start(
        f"""
data_dir: state
sources: {{from: {{plugin: sqs, options: {{queue: through, endpoint_url: "{queues.endpoint}"}}}}}}
handlers:
  to:
    plugin: sqs
    options:
      queue: {queues.url("with-attributes").replace("sqs.us-east-1.localhost:0", "x")}
      endpoint_url: "{queues.endpoint}"
      metadata: [key, absent]
      message_attributes: {{kind: "{{json:/kind|none}}", of: "{{meta:trace|}}", origin: "{{source}}"}}
routes: [{{from: from, to: to}}]
""",
        env=environment(t),
    )
    got = {payload(m): {n: a["StringValue"] for n, a in m["MessageAttributes"].items()} for m in received(queues, "with-attributes", 2)}
    hub.stop().all_delivered(2)
    equal(got, {b'{"kind": "alarm"}': {"key": "k7", "kind": "alarm", "of": "t-1", "origin": "from"}, b"plain": {"kind": "none", "origin": "from"}})


@test
def a_fifo_queue_keeps_the_order_of_each_group_both_ways(t):
    queues = common_queues()
    queues.create("ordered.fifo")
    hub = sender(t, queues, "ordered.fifo", 'message_group_id: "{json:/g}", concurrency: 4')
    messages = [b'{"g": "g%d", "n": %d}' % (random.randrange(7), n) for n in range(600)]
    hub.send("in", messages)
    until(lambda: queues.waiting("ordered.fifo")[0] == 600, "all are in the queue")
    hub.stop().all_delivered(600)
    into = receiver(t, queues, "ordered.fifo", "receivers: 3, wait_time_seconds: 1")
    t.until_logged("out", messages, 60)
    until(lambda: queues.waiting("ordered.fifo") == (0, 0), "all are deleted")
    into.stop().all_delivered(600)
    of_group = lambda all, g: [m for m in all if json.loads(m)["g"] == g]  # noqa: E731
    for g in {json.loads(m)["g"] for m in messages}:
        equal(of_group(t.frames("out"), g), of_group(messages, g), f"the order of {g}")


@test
def a_fifo_queue_drops_what_was_sent_twice(t):
    queues = common_queues()
    queues.create("once.fifo")
    # The queue has these, and the hub does not know it.
    queues.seen("once.fifo", [{"action": "SendMessageBatch", "count": 3, "kind": "lost"}])
    hub = sender(t, queues, "once.fifo", "concurrency: 1")
    hub.send("in", numbered(100))
    until(lambda: queues.waiting("once.fifo")[0] == 100, "all are in the queue")
    hub.stop().all_delivered(100)
    equal([payload(m) for m in received(queues, "once.fifo", 100)], numbered(100))


@test
def a_deduplication_id_may_be_of_the_message(t):
    queues = common_queues()
    queues.create("by-id.fifo")
    hub = sender(t, queues, "by-id.fifo", 'message_deduplication_id: "{json:/id}"')
    hub.send("in", [b'{"id": %d, "n": %d}' % (n % 10, n) for n in range(50)] + [b"none"])
    hub.says(r"dead-lettered \(rejected\): it has no value for \{json:/id\} of message_deduplication_id: its payload is no JSON")
    until(lambda: queues.waiting("by-id.fifo")[0] == 10, "one of each id is in the queue")
    hub.stop().says("in", accepted=51).says("in -> it", delivered=50, dead_lettered=1, dead_letters={"rejected": 1})


# ---- what is refused


@test
def what_is_too_large_goes_to_the_dead_letters_with_the_limit_named(t):
    queues = common_queues()
    queues.create("small", MaximumMessageSize="262144")
    hub = sender(t, queues, "small")
    fits, fits_encoded = b"y" * 262_144, b"\x00" * (262_144 // 4 * 3 - 24)
    hub.send("in", [b"before", b"x" * 262_145, b"\x00" * 200_000, fits, fits_encoded, b"after"])
    hub.says(r"rejected\): it has 262145 bytes of body and attributes, and the queue takes 262144 \(its MaximumMessageSize")
    got = received(queues, "small", 4)
    hub.stop().says("in", accepted=6).says("in -> it", delivered=4, dead_lettered=2, dead_letters={"rejected": 2})
    equal(sorted(map(payload, got)), sorted([b"before", fits, fits_encoded, b"after"]))


@test
def what_sqs_refuses_of_a_batch_is_rejected_and_the_others_pass(t):
    queues = common_queues()
    queues.create("refused")
    fault = {"action": "SendMessageBatch", "count": 1, "kind": "entry", "entry": 3}
    queues.seen("refused", [{**fault, "code": "InvalidMessageContents", "sender_fault": True}])
    hub = sender(t, queues, "refused")
    hub.send("in", numbered(30))
    hub.says(r"dead-lettered \(rejected\): SQS refuses it: InvalidMessageContents: as the test wants it")
    until(lambda: queues.waiting("refused")[0] == 29, "the others are in the queue")
    hub.stop().says("in", accepted=30).says("in -> it", delivered=29, dead_lettered=1, dead_letters={"rejected": 1})


@test
def what_sqs_fails_to_take_of_a_batch_is_sent_again(t):
    queues = common_queues()
    fault = {"action": "SendMessageBatch", "count": 3, "kind": "entry", "entry": 2, "code": "InternalError", "sender_fault": False}
    for queue in ("failing", "failing.fifo"):
        queues.create(queue)
        queues.seen(queue, [fault])
        hub = sender(t, queues, queue)
        hub.send("in", numbered(40))
        got = received(queues, queue, 40)
        hub.stop().all_delivered(40)
        equal(sorted(map(payload, got)), sorted(numbered(40)), queue)


@test
def a_request_that_is_refused_whole_is_sent_message_by_message(t):
    queues = common_queues()
    queues.create("whole")
    fault = {"action": "SendMessageBatch", "count": 1, "kind": "status", "status": 400, "code": "InvalidParameterValue"}
    queues.seen("whole", [fault])
    hub = sender(t, queues, "whole", "concurrency: 1")
    hub.send("in", numbered(30))
    equal(sorted(map(payload, received(queues, "whole", 30))), sorted(numbered(30)))
    hub.stop().all_delivered(30)


@test
def wrong_credentials_hold_it_with_a_sentence_and_are_never_printed(t):
    queues = common_queues()
    queues.create("a-queue")
    secret = "never-printed-secret"
    unknown, known = (f"access_key_id: {key}, secret_access_key: {secret}" for key in ("AKIDNOBODY", KEY["AWS_ACCESS_KEY_ID"]))
    for option, said in (
        (unknown, r"AWS does not know the access key \(InvalidClientTokenId: .*\); correct the options"),
        (known, r"the signature is refused \(SignatureDoesNotMatch: .*clock is wrong"),
        (f"{known}, session_token: {secret}", r"AWS does not know the access key"),
    ):
        hub = sender(t, queues, "a-queue", option)
        hub.says("it is held: " + said)
        hub.stop()
        assert secret not in hub.stderr(), "the secret is printed"
    into = receiver(t, queues, "a-queue", unknown)
    into.says(r"it is held: AWS does not know the access key")
    into.stop()


@test
def credentials_come_by_files_the_environment_and_a_profile(t):
    queues = common_queues()
    queues.create("credentials")
    t.path("id").write_text(TEMPORARY["AWS_ACCESS_KEY_ID"] + "\n")
    t.path("secret").write_text(TEMPORARY["AWS_SECRET_ACCESS_KEY"] + "\n")
    t.path("token").write_text(TEMPORARY["AWS_SESSION_TOKEN"] + "\n")
    for file in ("id", "secret", "token"):
        t.path(file).chmod(0o600)
    t.path(".aws").mkdir()
    key, secret = KEY["AWS_ACCESS_KEY_ID"], KEY["AWS_SECRET_ACCESS_KEY"]
    work = f"[work]\naws_access_key_id={key}\naws_secret_access_key = {secret}\n"
    t.path(".aws/credentials").write_text(f"[default]\naws_access_key_id = WRONG\n\n# a comment\n{work}")
    region = {"AWS_REGION": "us-east-1"}
    for n, (options, variables) in enumerate(
        (
            ("access_key_id_file: id, secret_access_key_file: secret, session_token_file: token", region),
            ("", {**TEMPORARY, **region}),
            ("profile: work", region),
            ("", {"AWS_PROFILE": "work", **region}),
        )
    ):
        hub = t.start(OUT % ("credentials", queues.endpoint, options and ", " + options), env=environment(t, variables))
        hub.send("in", [b"by %d" % n])
        equal([payload(m) for m in received(queues, "credentials", 1)], [b"by %d" % n])
        hub.stop().all_delivered(1)


@test
def credentials_that_may_not_ask_for_attributes_are_enough(t):
    queues = common_queues()
    queues.create("may-not-ask")
    queues.seen("may-not-ask", [{"action": "GetQueueAttributes", "count": 2, "kind": "status", "status": 403, "code": "AccessDeniedException"}])
    out, into = sender(t, queues, "may-not-ask"), receiver(t, queues, "may-not-ask", "wait_time_seconds: 1")
    out.send("in", [b"x"])
    t.until_logged("out", [b"x"], 60)
    until(lambda: queues.waiting("may-not-ask") == (0, 0), "it is deleted")
    out.stop().all_delivered(1)
    into.stop().all_delivered(1)


@test
def missing_permission_and_expired_credentials_are_said(t):
    queues = common_queues()
    queues.create("may-not-send")
    fault = {"action": "SendMessageBatch", "count": 1, "kind": "status", "status": 403}
    queues.seen("may-not-send", [{**fault, "code": "AccessDeniedException"}])
    hub = sender(t, queues, "may-not-send")
    hub.send("in", [b"x"])
    hub.says(r"it is held: AWS refuses access to may-not-send \(AccessDeniedException: .*sqs:SendMessage to send")
    hub.stop().of("in -> it"), hub.account.of("in")
    t.path(".aws").mkdir()
    t.path(".aws/credentials").write_text("[default]\n" + "".join(f"{k.lower()} = {v}\n" for k, v in KEY.items()))
    queues.seen("may-not-send", [{**fault, "code": "ExpiredToken"}])
    renewed = t.start((OUT % ("may-not-send", queues.endpoint, "")).replace("state", "state2"), env=environment(t, {"AWS_REGION": "us-east-1"}))
    renewed.send("in", [b"y"])
    renewed.says(r"it: disconnected: the credentials of the profile default of .* have expired; it is read again before each attempt")
    until(lambda: queues.waiting("may-not-send")[0] == 1, "it goes on with what is there then")
    renewed.stop().all_delivered(1)


@test
def a_missing_queue_holds_it_until_a_person_makes_one(t):
    queues = common_queues()
    hub = sender(t, queues, "nowhere")
    hub.says(r"it is held: there is no queue nowhere in us-east-1 at http://127.0.0.1:\d+/; create it, or correct the option queue")
    hub.stop()
    into = receiver(t, queues, "nowhere")
    into.says(r"it is held: there is no queue nowhere")
    into.stop()


@test
def a_configuration_that_cannot_work_is_refused_by_check(t):
    for options, said in (
        ("queue: a", "region: say in which region of AWS the queue is"),
        ("queue: a, region: us east", "region: 'us east' is none"),
        ("queue: a, region: r, endpoint_url: ftp://x", "it does not begin with https:// or http://"),
        ("queue: a, region: r, endpoint_url: 'http://me:secret@x'", "its endpoint_url has a user or a password in it"),
        ("queue: a.fifo, region: r, delay_seconds: 5", "a FIFO queue takes no delay of single messages"),
        ("queue: a, region: r, message_deduplication_id: x", "only FIFO queues have it"),
        ("queue: a, region: r, access_key_id: x", "secret_access_key: it is missing beside access_key_id"),
        ("queue: a, region: r, message_attributes: {AWS.x: y}", "is no name of an attribute"),
    ):
        handlers = f"handlers: {{it: {{plugin: sqs, options: {{{options}}}}}}}"
        t.path("bad.yaml").write_text(f"sources: {{in: {{fifo: in}}}}\n{handlers}\nroutes: [{{from: in, to: it}}]\n")
        _, err = t.run("check", "bad.yaml", status=78, env=environment(t, {}))
        assert said in err, f"{options}: {err}"


# ---- outages


@test
def lost_replies_and_a_busy_sqs_lose_nothing(t):
    queues = common_queues()
    queues.create("busy")
    queues.seen(
        "busy",
        [
            {"action": "SendMessageBatch", "count": 6, "kind": "status", "status": 503, "code": "ServiceUnavailable"},
            {"action": "SendMessageBatch", "count": 6, "kind": "status", "status": 400, "code": "RequestThrottled"},
            {"action": "SendMessageBatch", "count": 3, "kind": "lost"},
            {"action": "ReceiveMessage", "count": 3, "kind": "status", "status": 500, "code": "InternalError"},
            {"action": "DeleteMessageBatch", "count": 3, "kind": "lost"},
        ]
    )
    out = sender(t, queues, "busy")
    into = receiver(t, queues, "busy", "wait_time_seconds: 1")
    out.send("in", numbered(500))
    until(lambda: set(so_far(t, "out")) >= set(numbered(500)), "all came through")
    until(lambda: queues.waiting("busy") == (0, 0), "all are deleted")
    out.stop().all_delivered(500)
    account = into.stop()
    repeats = len(t.frames("out")) - 500
    assert 0 <= repeats <= 90, f"{repeats} repeats, of at most 9 requests that were repeated"
    account.all_delivered(500 + repeats)


@test
def a_server_killed_in_mid_stream_costs_repeats_and_no_message(t):
    with own_server(t) as (server, queues):
        queues.create("a", VisibilityTimeout="2")  # after which a reply that was lost comes again
        out = sender(t, queues, "a")
        into = receiver(t, queues, "a", "wait_time_seconds: 1")
        total = 0
        for round in range(3):
            feeding = t.meanwhile(out.send, "in", numbered(500, total))
            until(lambda: len(so_far(t, "out")) > total + 50, "messages come through")
            server.kill()
            total += 500
            into.says(r"it: disconnected: (cannot reach|no answer from) http://127", round + 1)
            server.start()
            feeding.join()
        until(lambda: len(set(so_far(t, "out"))) == total, "all came through")
        until(lambda: queues.waiting("a") == (0, 0), "all are deleted")
        out.stop().all_delivered(total)
        account = into.stop()
        frames = t.frames("out")
        equal(set(frames), set(numbered(total)))
        repeats = len(frames) - total
        assert repeats <= 3 * 500, f"{repeats} repeats: more than were in flight"
        account.all_delivered(total + repeats)


@test
def a_fifo_queue_keeps_its_order_through_a_killed_server(t):
    with own_server(t) as (server, queues):
        queues.create("a.fifo")
        out = sender(t, queues, "a.fifo", "concurrency: 3")
        feeding = t.meanwhile(out.send, "in", numbered(300))
        until(lambda: queues.waiting("a.fifo")[0] > 50, "messages come")
        server.kill()
        out.says(r"it: disconnected: ")
        server.start()
        feeding.join()
        until(lambda: queues.waiting("a.fifo")[0] == 300, "all are in the queue")
        out.stop().all_delivered(300)
        equal([payload(m) for m in received(queues, "a.fifo", 300)], numbered(300))


@test
def a_stop_while_sqs_is_away_ends_in_time_and_the_next_run_sends_what_is_left(t):
    with own_server(t) as (server, queues):
        queues.create("a")
        out = t.start("drain_timeout: 1s\n" + OUT % ("a", queues.endpoint, ""), env=environment(t))
        out.send("in", numbered(10))
        until(lambda: queues.waiting("a")[0] == 10, "it works")
        server.kill()
        out.send("in", numbered(500, 10))
        out.says(r"it: disconnected: ")
        out.process.send_signal(signal.SIGTERM)
        account = out.wait(seconds=15)
        account.of("in"), account.of("in -> it")
        server.start()
        out.start()
        until(lambda: queues.waiting("a")[0] == 510, "all are in the queue")
        account = out.stop()
        account.of("in"), account.of("in -> it")
        equal(sorted(payload(m) for m in received(queues, "a", 510)), sorted(numbered(510)))


@test
def a_silent_server_neither_blocks_the_stop_nor_the_other_handlers(t):
    queues = common_queues()
    queues.create("silent")
    queues.seen("silent", [{"action": "SendMessageBatch", "count": 1000, "kind": "silent"}])
    yaml = OUT % ("silent", queues.endpoint, "")
    yaml = yaml.replace("handlers:\n", "handlers:\n  file: {plugin: log, options: {path: file, format: frames}}\n")
    hub = t.start("drain_timeout: 1s\n" + yaml.replace("to: it}", "to: [it, file]}"), env=environment(t))
    hub.send("in", numbered(100))
    t.until_logged("file", numbered(100), 60)
    hub.process.send_signal(signal.SIGTERM)
    account = hub.wait(seconds=15)
    account.of("in"), account.of("in -> it"), account.of("in -> file")


# ---- the source's leases


@test
def the_visibility_is_extended_while_handlers_are_slow(t):
    queues = common_queues()
    queues.create("slow", VisibilityTimeout="2")
    queues.send("slow", [f"message {i}" for i in range(20)])
    t.path("slow.sh").write_text("#!/bin/sh\nsleep 5\ncat >>taken\n")
    t.path("slow.sh").chmod(0o755)
    hub = t.start(
        f"""
data_dir: state
sources: {{it: {{plugin: sqs, options: {{queue: slow, endpoint_url: "{queues.endpoint}", wait_time_seconds: 1}}}}}}
handlers: {{slow: {{plugin: exec, options: {{command: [./slow.sh], answers: none}}}}}}
routes: [{{from: it, to: slow}}]
""",
        env=environment(t),
    )
    until(lambda: queues.waiting("slow") == (0, 20), "all are received")
    until(lambda: queues.waiting("slow") == (0, 0), "all are deleted, once a handler has them")
    hub.stop().all_delivered(20)
    seen = queues.seen("slow")["actions"]
    assert seen["ChangeMessageVisibilityBatch"] >= 4, seen


@test
def a_stop_ends_a_long_poll_and_gives_back_what_was_not_taken(t):
    queues = common_queues()
    queues.create("quiet", VisibilityTimeout="600")
    hub = receiver(t, queues, "quiet", "receivers: 3")
    queues.send("quiet", ["one"])
    t.until_logged("out", [b"one"], 60)
    until(lambda: queues.waiting("quiet") == (0, 0), "it is deleted")
    began = time.monotonic()
    hub.stop().all_delivered(1)
    took = time.monotonic() - began
    assert took < 5 * SLOW, f"the stop took {took:.1f} s"


@test
def a_source_without_room_holds_few_and_loses_none(t):
    queues = common_queues()
    queues.create("much")
    texts = [f"{i} " + "x" * 5000 for i in range(600)]
    queues.send("much", texts)
    hub = t.start(
        f"""
data_dir: state
sources:
  it:
    plugin: sqs
    log: {{max_size: 1MiB}}
    options: {{queue: much, endpoint_url: "{queues.endpoint}", receivers: 2, max_in_flight: 100, wait_time_seconds: 1}}
handlers: {{out: {{plugin: forward, options: {{fifo: out}}}}}}
routes: [{{from: it, to: out}}]
""",
        env=environment(t),
    )
    until(lambda: queues.waiting("much")[1] >= 90, "it holds what it may")
    assert queues.waiting("much")[1] <= 120, queues.waiting("much")
    got = t.reader("out").take(600, seconds=30)
    until(lambda: queues.waiting("much") == (0, 0), "all are deleted")
    hub.stop().all_delivered(600)
    equal(sorted(got), sorted(text.encode() for text in texts))


# ---- deaths


@test
def workers_and_children_killed_at_random_lose_nothing(t):
    chaos(t, 4, kills_server=False)


@kit.test(seconds=180 + 3 * SECONDS)
def chaos_loses_nothing(t):
    chaos(t, SECONDS, kills_server=True)


def chaos(t, seconds, kills_server):
    """Two hubs with a queue between them: servers, keepers, workers and processes of plugins are killed while messages flow."""
    with own_server(t) as (server, queues):
        queues.create("a", VisibilityTimeout="3")
        few = f"request_timeout: 3s, max_in_flight: {IN_FLIGHT}"
        out, into = sender(t, queues, "a", few), receiver(t, queues, "a", f"wait_time_seconds: 1, receivers: 2, {few}")
        ends, total, deaths = time.monotonic() + seconds, 0, 0
        choice = random.Random(seconds)
        while time.monotonic() < ends:
            out.send("in", numbered(100, total))
            total += 100
            time.sleep(0.3)  # so that something flows between two deaths
            victim = choice.choice(["worker", "child", "server" if kills_server else "child"])
            deaths += 1
            if choice.random() < 0.08:
                kill_the_keeper(choice.choice([out, into]))
            elif victim == "server":
                server.kill()
                server.start()
            else:
                kill_some(choice.choice([out, into]), victim)
        until(lambda: len(set(so_far(t, "out"))) == total, "all came through")
        until(lambda: queues.waiting("a") == (0, 0), "all are deleted")
        out.stop(seconds=40).all_settled()
        into.stop(seconds=40).all_settled()
        frames = t.frames("out")
        equal(set(frames), set(numbered(total)))
        # What was sent and not confirmed is sent again; what was fetched and not deleted comes again, up to ten a receiver more.
        repeats, most = len(frames) - total, deaths * (IN_FLIGHT + IN_FLIGHT + 2 * 10)
        print(f"{total} messages, {repeats} repeats after {deaths} deaths")
        assert repeats <= most, f"{repeats} repeats of {total} after {deaths} deaths, which cannot be more than {most}"


def kill_some(hub, what):
    """Its worker, or all processes of plugins below that."""
    with contextlib.suppress(OSError, IndexError):
        worker = hub.pids()[1]
        below = children(worker) if what == "child" else [worker]
        for pid in below:
            os.kill(pid, signal.SIGKILL)


def children(pid):
    return [int(word) for task in pathlib.Path(f"/proc/{pid}/task").iterdir() for word in (task / "children").read_text().split()]


# ---- around it


@test
def tls_is_verified_against_a_file_of_certificates(t):
    with own_server(t, tls=True) as (server, queues):
        queues.create("a")
        url = f"https://127.0.0.1:{server.tls_port}"
        hub = t.start(OUT % ("a", url, ", ca_file: server/cert.pem"), env=environment(t))
        hub.send("in", numbered(50))
        until(lambda: queues.waiting("a")[0] == 50, "all are in the queue")
        hub.stop().all_delivered(50)
        unknown = t.start(OUT % ("a", url, ""), env=environment(t))
        unknown.says(r"it: disconnected: cannot reach https://127.0.0.1:\d+/: .*certificate")
        unknown.stop()


@test
def it_conforms_to_the_abi(t):
    queues = common_queues()
    queues.create("conforms")
    plugin = process.program().parent.parent / "lib/standpipe/plugins/sqs.so"
    options = [f"--option={o}" for o in ("queue=conforms", f"endpoint_url={queues.endpoint}", "region=us-east-1", "wait_time_seconds=1")]
    # What a thread frees of another one's waits in its cache, and would count as a leak.
    checking = t.standpipe("plugin", "check", plugin, *options, env=environment(t) | {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"})
    out = checking.communicate(timeout=150 * SLOW)[0].decode()
    assert re.search(r"^\d+ passed, 0 failed", out, re.MULTILINE), out


@test
def what_the_readme_shows_happens(t):
    queues = common_queues()
    queues.create("orders")
    readme = (ROOT / "plugins/sqs/README.md").read_text()
    (commands,), (expected,) = (re.findall(rf"^```{kind}\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL) for kind in ("sh", "output"))
    t.path("plugins/sqs").mkdir(parents=True)
    example = (ROOT / "plugins/sqs/example.yaml").read_text()
    t.path("plugins/sqs/example.yaml").write_text(example.replace("/tmp/", f"{t.folder}/"))
    variables = environment(t) | {"AWS_ENDPOINT_URL_SQS": queues.endpoint, "PATH": f"{process.program().parent}:{os.environ['PATH']}"}
    commands = commands.replace("/tmp/", f"'{t.folder}'/").replace("&\n", "&\nfor i in $(seq 100); do [ -p *-orders ] || sleep 0.1; done\n")
    shell = process.spawn(["sh", "-c", commands + "wait"], cwd=t.folder, stdout=subprocess.PIPE, env=variables, start_new_session=True)
    try:
        equal(shell.stdout.readline().decode(), expected)
    finally:
        os.killpg(shell.pid, signal.SIGTERM)
        shell.wait(timeout=20 * SLOW)


@test
def its_example_is_right_and_passes_its_own_tests(t):
    example = ROOT / "plugins/sqs/example.yaml"
    out, err = t.run("check", example, env=environment(t, {}))
    equal((out[:3], err), (b"ok:", ""))
    out, _ = t.run("test", example, env=environment(t, {}))
    assert re.search(rb"^2 passed, 0 failed", out, re.MULTILINE), out.decode()
