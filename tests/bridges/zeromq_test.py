# SPDX-License-Identifier: Apache-2.0
"""The plugin zeromq: to and from ZeroMQ programs of another language, and between hubs, through deaths of all of them."""

import contextlib
import functools
import os
import shutil
import struct
import subprocess
import sys
import time

from kit import equal, frames_in, test, until
from kit.bench import Skip
from kit.timing import SLOW
from peer_programs import (
    HERE,
    KINDS_OF_PAYLOADS,
    Peer,
    a_stop_is_not_held_up_by,
    came_in_order,
    delivered,
    does_what_its_readme_shows,
    got,
    lines,
    logged,
    no_old_one_behind_a_new_one,
    numbered,
    run_while_processes_die,
    tcp,
    until_got,
    write_messages,
)

PLUGIN = HERE.parents[1] / "plugins/zeromq"
PEER = HERE / "peers/zmq_peer.py"

OUT = """
data_dir: %s
sources: {in: {fifo: in}}
handlers: {away: {plugin: zeromq%s, options: {%s}}}
routes: [{from: in, to: away}]
"""
INTO = """
data_dir: %s
sources: {afar: {plugin: zeromq, options: {%s}}}
handlers: {out: {plugin: log, options: {path: out, format: %s, sync: never}}}
routes: [{from: afar, to: out}]
"""


def out(options, place="state", more=""):
    return OUT % (place, more, options)


def into(options, format="frames", place="state2"):
    return INTO % (place, options, format)


@functools.cache
def python():
    """One that has python3-zmq; the first in PATH may be another."""
    for program in (sys.executable, "/usr/bin/python3"):
        if os.path.exists(program) and subprocess.run([program, "-c", "import zmq"], capture_output=True).returncode == 0:
            return program
    raise Skip("no python3 here has zmq (python3-zmq)")


def receiver(t, kind, way, endpoint, file="got", *options):
    return Peer(t, python(), PEER, "recv", kind, way, endpoint, file, *options)


def send(t, kind, way, endpoint, messages, *options):
    """Messages are lists of frames."""
    write_messages(t, messages)
    with Peer(t, python(), PEER, "send", kind, way, endpoint, "sent", *options) as peer:
        peer.wait()


def keys(t):
    """A pair of CURVE, (public, secret); the public one as YAML has it in single quotes, where ${ begins a variable."""
    public, secret = subprocess.run([python(), PEER, "keys"], capture_output=True, check=True, text=True).stdout.split()
    return public.replace("${", "$${"), secret


def pairs_in(frame):
    texts = frames_in(frame)
    return list(zip(texts[::2], texts[1::2]))


# ---- exact content, with and without acknowledgements


@test
def what_a_push_handler_sends_is_pulled_as_it_was(t):
    for way, own in (("bind", "false"), ("connect", "true")):
        shutil.rmtree(t.path("state"), ignore_errors=True)
        t.path("got").unlink(missing_ok=True)
        endpoint = tcp()
        with receiver(t, "pull", way, endpoint):
            hub = t.start(out(f"socket_type: push, endpoints: ['{endpoint}'], bind: {own}"))
            hub.says("socket_type: push promises nothing")
            hub.send("in", KINDS_OF_PAYLOADS)
            equal([frames for (*frames,) in until_got(t, len(KINDS_OF_PAYLOADS))], [[m] for m in KINDS_OF_PAYLOADS])
            hub.stop().all_delivered(len(KINDS_OF_PAYLOADS))


@test
def what_a_peer_pushes_is_brought_as_it_was(t):
    endpoint = tcp()
    hub = t.start(into(f"socket_type: pull, endpoints: ['{endpoint}'], bind: true"))
    hub.says("socket_type: pull promises nothing")
    send(t, "push", "connect", endpoint, [[m] for m in KINDS_OF_PAYLOADS])
    t.until_logged("out", KINDS_OF_PAYLOADS)
    hub.stop().all_delivered(len(KINDS_OF_PAYLOADS))
    equal(t.frames("out"), KINDS_OF_PAYLOADS)


@test
def endpoints_may_be_paths(t):
    hub = t.start(into("socket_type: pull, endpoints: ['ipc://socket'], bind: true"))
    send(t, "push", "connect", "ipc://socket", [[m] for m in numbered(0, 500)])  # more than rcvhwm could be lost at its end
    t.until_logged("out", numbered(0, 500))
    hub.stop().all_delivered(500)


@test
def acknowledged_messages_go_from_hub_to_hub_as_they_were(t):
    endpoint = tcp()
    far = t.start(into(f"socket_type: router, endpoints: ['{endpoint}'], bind: true, ack: true"))
    hub = t.start(out(f"socket_type: dealer, endpoints: ['{endpoint}'], ack: true"))
    hub.send("in", KINDS_OF_PAYLOADS)
    t.until_logged("out", KINDS_OF_PAYLOADS)
    hub.stop().all_delivered(len(KINDS_OF_PAYLOADS))
    far.stop().all_delivered(len(KINDS_OF_PAYLOADS))
    equal(t.frames("out"), KINDS_OF_PAYLOADS)


# ---- topics, metadata, other frames


@test
def a_topic_is_the_first_frame_and_subscribers_choose_by_it(t):
    endpoint = tcp()
    with receiver(t, "sub", "connect", endpoint, "got", "subscribe=pump."):
        hub = t.start(out(f"socket_type: pub, endpoints: ['{endpoint}'], bind: true, topic: '{{json:/kind}}.{{json:/id|none}}'"))
        warm = 0
        while not got(t):  # until the subscription has come, a publisher drops
            hub.send("in", [b'{"kind":"pump"}'])
            warm += 1
            with contextlib.suppress(AssertionError):
                until(lambda: got(t), "the subscriber is there", 0.05)
        before = len(until_got(t, 1))
        hub.send("in", [b'{"kind":"pump","id":7}', b'{"kind":"door","id":8}', b"no topic", b'{"kind":"pump","id":9}'])
        hub.says("dead-lettered \\(rejected\\): it has no topic: its payload is no JSON")
        until(lambda: got(t)[-1][0] == b"pump.9", "the last one has come")
        equal(got(t)[-2:], [[b"pump.7", b'{"kind":"pump","id":7}'], [b"pump.9", b'{"kind":"pump","id":9}']])
        assert all(frames == [b"pump.none", b'{"kind":"pump"}'] for frames in got(t)[:-2]), before
        hub.stop().says("in", accepted=warm + 4).says("in -> away", delivered=warm + 3, dead_lettered=1, dead_letters={"rejected": 1})


@test
def a_subscription_chooses_and_the_topic_is_metadata(t):
    """Its peer leaves when it has sent, mostly before the source has received that: with ZMQ_IMMEDIATE that is lost in one of five."""
    endpoint = tcp()
    hub = t.start(into(f"socket_type: sub, endpoints: ['{endpoint}'], subscribe: [pump.]", "jsonl"))
    messages = [[b"pump.7", b"one"], [b"door.1", b"two"], [b"pump.8", b"extra", b"\xff\0"], [b"pump.alone"]]
    send(t, "xpub", "bind", endpoint, messages)
    until(lambda: len(logged(t)) == 3, "three have come")
    hub.stop().all_delivered(3)
    equal(logged(t), [(b"one", {"topic": b"pump.7"}), (b"\xff\0", {"topic": b"pump.8", "frame": b"extra"}), (b"pump.alone", {})])


@test
def a_router_knows_its_peers_by_their_routing_ids(t):
    endpoint = tcp()
    hub = t.start(into(f"socket_type: router, endpoints: ['{endpoint}'], bind: true", "jsonl"))
    send(t, "dealer", "connect", endpoint, [[b"one"], [b"", b"as REQ sends it"]], "routing_id=press-4")
    until(lambda: len(logged(t)) == 2, "both have come")
    hub.stop().all_delivered(2)
    equal(logged(t), [(b"one", {"routing_id": b"press-4"}), (b"as REQ sends it", {"routing_id": b"press-4"})])


@test
def a_dealer_sends_under_its_routing_id(t):
    endpoint = tcp()
    with receiver(t, "router", "bind", endpoint):
        hub = t.start(out(f"socket_type: dealer, endpoints: ['{endpoint}'], routing_id: press-4"))
        hub.send("in", [b"one"])
        equal(until_got(t, 1), [[b"press-4", b"one"]])
        hub.stop().all_delivered(1)


@test
def metadata_travels_in_a_frame_of_its_own(t):
    endpoint = tcp()
    with receiver(t, "pull", "bind", endpoint):
        headers = "{id: '{source}:{sequence}', device: '{json:/device|?}'}"
        hub = t.start(out(f"socket_type: push, endpoints: ['{endpoint}'], metadata: true, headers: {headers}"))
        hub.send("in", [b'{"device":"pump"}', b"\xff"])
        (first, second) = until_got(t, 2)
        fifo = (b"fifo", str(t.path("in")).encode())
        equal([pairs_in(first[0])[-2:], first[1]], [[(b"id", b"in:1"), (b"device", b"pump")], b'{"device":"pump"}'])
        equal([pairs_in(second[0])[-2:], second[1]], [[(b"id", b"in:2"), (b"device", b"?")], b"\xff"])
        equal([name for name, _ in pairs_in(first[0])[:-2]], [fifo[0]])
        hub.stop().all_delivered(2)


def metadata_frame(**pairs):
    return b"".join(struct.pack("<I", len(text)) + text for pair in pairs.items() for text in (pair[0].encode(), pair[1]))


@test
def a_source_reads_metadata_and_leaves_out_what_has_none(t):
    endpoint = tcp()
    hub = t.start(into(f"socket_type: pull, endpoints: ['{endpoint}'], bind: true, metadata: true", "jsonl"))
    good = metadata_frame(key=b"k\xff", empty=b"")
    send(t, "push", "connect", endpoint, [[good, b"one"], [b"alone"], [good[:-2], b"truncated"], [b"", b"no pairs"]])
    until(lambda: len(logged(t)) == 2, "two have come")
    hub.says("left out: it has no frame of metadata")
    hub.stop().all_delivered(2)
    equal(logged(t), [(b"one", {"key": b"k\xff", "empty": b""}), (b"no pairs", {})])


@test
def metadata_goes_from_hub_to_hub_with_acknowledgements(t):
    endpoint = tcp()
    both = f"endpoints: ['{endpoint}'], ack: true, metadata: true"
    far = t.start(into(f"socket_type: router, bind: true, {both}", "jsonl"))
    hub = t.start(out(f"socket_type: dealer, {both}, headers: {{id: '{{source}}:{{sequence}}'}}"))
    hub.send("in", numbered(0, 1000))
    until(lambda: t.size("out") and len(logged(t)) == 1000, "all have come")
    hub.stop().all_delivered(1000)
    far.stop().all_delivered(1000)
    equal([(payload, meta["id"]) for payload, meta in logged(t)], [(m, b"in:%d" % (i + 1)) for i, m in enumerate(numbered(0, 1000))])


# ---- what cannot be sent or taken


@test
def what_is_too_large_is_dead_lettered_with_the_limit(t):
    endpoint = tcp()
    with receiver(t, "pull", "bind", endpoint):
        hub = t.start(out(f"socket_type: push, endpoints: ['{endpoint}'], maxmsgsize: 1KiB"))
        hub.send("in", [b"x" * 1024, b"x" * 1025, b"after"])
        hub.says("dead-lettered \\(rejected\\): it has 1025 bytes, and maxmsgsize is 1024")
        equal(until_got(t, 2), [[b"x" * 1024], [b"after"]])
        hub.stop().says("in", accepted=3).says("in -> away", delivered=2, dead_lettered=1, dead_letters={"rejected": 1})


@test
def what_the_far_hub_never_takes_is_dead_lettered_by_the_near_one(t):
    endpoint = tcp()
    yaml = into(f"socket_type: router, endpoints: ['{endpoint}'], bind: true, ack: true")
    far = t.start(yaml.replace("sources: {afar: {plugin: zeromq,", "sources: {afar: {plugin: zeromq, framing: {max_message_size: 1KiB},"))
    hub = t.start(out(f"socket_type: dealer, endpoints: ['{endpoint}'], ack: true"))
    hub.send("in", [b"before", b"x" * 5000, b"after"])
    hub.says("dead-lettered \\(rejected\\): the peer refuses it: .*too large")
    t.until_logged("out", [b"before", b"after"])
    hub.stop().says("in", accepted=3).says("in -> away", delivered=2, dead_lettered=1, dead_letters={"rejected": 1})
    far.stop().all_delivered(2)
    equal(t.frames("out"), [b"before", b"after"])


@test
def a_peer_that_speaks_otherwise_is_reported_and_disturbs_nobody(t):
    endpoint = tcp()
    far = t.start(into(f"socket_type: router, endpoints: ['{endpoint}'], bind: true, ack: true"))
    wrong = [[b"hello"], [b"SPB1", b"x"], [struct.pack("<4sIQQQ", b"SPB1", 1, 5, 1, 1), b"metadata alone"], [struct.pack("<4sIQQQ", b"SPB1", 0, 5, 7, 3), b"x"]]
    send(t, "dealer", "connect", endpoint, wrong)
    far.says("left out: it is no batch of PROTOCOL.md")
    hub = t.start(out(f"socket_type: dealer, endpoints: ['{endpoint}'], ack: true"))
    hub.send("in", numbered(0, 10))
    t.until_logged("out", numbered(0, 10))
    hub.stop().all_delivered(10)
    far.stop().all_delivered(10)


# ---- outages and deaths


@test
def without_a_peer_messages_wait_in_the_hub_and_a_stop_is_not_held_up(t):
    endpoint = tcp()
    for options in ("socket_type: push", "socket_type: dealer", "socket_type: dealer, ack: true"):
        shutil.rmtree(t.path("state"), ignore_errors=True)
        t.path("out").unlink(missing_ok=True)
        yaml = "drain_timeout: 1s\n" + out(f"{options}, endpoints: ['{endpoint}']")
        hub = t.start(yaml)
        hub.send("in", numbered(0, 1000))
        until(lambda: hub.stats()["sources"]["in"]["accepted"] == 1000, "the hub has them")
        began = time.monotonic()
        account = hub.stop(seconds=15)
        assert time.monotonic() - began < 10 * SLOW, "the stop took too long"
        account.says("in", accepted=1000).says("in -> away", in_flight=1000)
        kind = "router" if "ack" in options else "pull" if "push" in options else "router"
        far = t.start(into(f"socket_type: {kind}, endpoints: ['{endpoint}'], bind: true{', ack: true' if 'ack' in options else ''}", place="state3"))
        again = t.start(yaml)
        t.until_logged("out", numbered(0, 1000))
        again.stop().all_delivered(1000)
        far.stop().all_delivered(1000)
        equal(t.frames("out"), numbered(0, 1000), options)


@test
def a_python_program_that_is_killed_loses_nothing(t):
    endpoint = tcp()
    hub = t.start(out(f"socket_type: dealer, endpoints: ['{endpoint}'], ack: true, window: 1000, reconnect_ivl: 20ms, reconnect_ivl_max: 100ms"))
    sent = 0
    for _ in range(4):
        with Peer(t, python(), PLUGIN / "examples/peer.py", endpoint, "kept"):
            hub.send("in", numbered(sent, 5000))
            sent += 5000
            until(lambda: len(lines(t, "kept")) > sent - 4000, "some have come")
    with Peer(t, python(), PLUGIN / "examples/peer.py", endpoint, "kept"):
        hub.stop().all_delivered(sent)
        kept = lines(t, "kept")
    equal(set(kept), set(numbered(0, sent)))
    no_old_one_behind_a_new_one(kept)
    assert len(kept) - sent <= 4 * 1300, f"{len(kept) - sent} repeats of 4 deaths with a window of 1,000"


@test
def a_peer_that_reads_no_more_does_not_hold_up_a_stop(t):
    endpoint = tcp()
    with receiver(t, "pull", "bind", endpoint) as peer:
        yaml = out(f"socket_type: push, endpoints: ['{endpoint}'], sndhwm: 5, linger: 200ms").replace("{fifo: in}", "{fifo: in, log: {max_size: 64MiB}}")
        a_stop_is_not_held_up_by(t, peer, "drain_timeout: 2s\n" + yaml)


@test(seconds=420)
def two_hubs_lose_nothing_whoever_of_them_dies(t):
    endpoint = tcp()
    timing = "reconnect_ivl: 20ms, reconnect_ivl_max: 100ms"
    far = t.start(into(f"socket_type: router, endpoints: ['{endpoint}'], bind: true, ack: true, {timing}"))
    window = 500
    hub = t.start(out(f"socket_type: dealer, endpoints: ['{endpoint}'], ack: true, {timing}, resend_ivl: 300ms, window: {window}"))
    sent, deaths = run_while_processes_die(hub, far, 2000)
    # The window comes again after a death; of a sender that died, what libzmq of the far side had of it may come, too, between
    # messages of its successor.
    came_in_order(t, far, sent, deaths * 2 * (window + 256))


@test
def a_stopped_far_hub_is_waited_for(t):
    endpoint = tcp()
    yaml = into(f"socket_type: router, endpoints: ['{endpoint}'], bind: true, ack: true")
    far = t.start(yaml)
    hub = t.start(out(f"socket_type: dealer, endpoints: ['{endpoint}'], ack: true, reconnect_ivl_max: 200ms"))
    for round in range(3):
        hub.send("in", numbered(1000 * round, 1000))
        until(lambda: delivered(hub) == 1000 * (round + 1), "all are acknowledged")
        far.stop().all_delivered(1000)
        hub.says("the connection is lost", count=round + 1)
        far.start()
    hub.stop().all_delivered(3000)
    far.stop().all_delivered(0)
    equal(t.frames("out"), numbered(0, 3000))


# ---- CURVE


@test
def curve_encrypts_and_admits_the_clients_that_are_listed(t):
    (server, server_secret), (mine, my_secret), (stranger, strange_secret) = keys(t), keys(t), keys(t)
    for name, secret in (("server.key", server_secret), ("my.key", my_secret), ("strange.key", strange_secret)):
        t.path(name).write_text(secret + "\n")
        t.path(name).chmod(0o600)
    endpoint = tcp()
    far = t.start(into(
        f"socket_type: router, endpoints: ['{endpoint}'], bind: true, ack: true, curve_server: true, curve_secretkey_file: server.key, "
        f"curve_clientkeys: ['{mine}']"
    ))  # fmt: skip
    client = f"socket_type: dealer, endpoints: ['{endpoint}'], ack: true"
    hub = t.start(out(f"{client}, curve_serverkey: '{server}', curve_secretkey_file: my.key"))
    hub.send("in", [b"secret"])
    t.until_logged("out", [b"secret"])
    hub.stop().all_delivered(1)
    for options, said in (
        (f"curve_serverkey: '{server}', curve_secretkey_file: strange.key", "away is held: .*does not admit this client"),
        (f"curve_serverkey: '{stranger}', curve_secretkey_file: my.key", "the handshake with .* failed.*curve_serverkey is not that server's"),
        ("", "away is held: .* wants another security mechanism: set curve_serverkey"),
    ):
        wrong = t.start("drain_timeout: 100ms\n" + out(f"{client}, {options}"))
        wrong.says(said)
        wrong.stop()
    far.says("was not admitted")
    far.stop().all_delivered(1)
    for hub in t.hubs:
        for secret in (server_secret, my_secret, strange_secret):
            assert secret not in hub.stderr(), "a secret was printed"


# ---- what is wrong with a configuration, and the documents


@test
def wrong_options_are_refused_with_what_to_write(t):
    for options, said in (
        ("socket_type: pull, endpoints: ['tcp://127.0.0.1:1']", "a handler is one of push, pub, dealer, not pull"),
        ("socket_type: push, endpoints: [localhost]", "'localhost' is none; write tcp://HOST:PORT or ipc:///PATH"),
        ("socket_type: push, endpoints: ['tcp://localhost']", "has no port"),
        ("socket_type: push, endpoints: []", "name at least one"),
        ("socket_type: push, endpoints: ['tcp://127.0.0.1:1'], ack: true", "only socket_type: dealer hears of acknowledgements"),
        ("socket_type: dealer, endpoints: ['tcp://127.0.0.1:1', 'tcp://127.0.0.1:2'], ack: true", "with ack: true there is one"),
        ("socket_type: push, endpoints: ['tcp://127.0.0.1:1'], topic: x", "only socket_type: pub has topics"),
        ("socket_type: pub, endpoints: ['tcp://127.0.0.1:1'], topic: '{jsn:/x}'", "topic: "),
        ("socket_type: push, endpoints: ['tcp://127.0.0.1:1'], curve_serverkey: short, curve_secretkey: alsoshort", "this is no key"),
        ("socket_type: push, endpoints: ['tcp://127.0.0.1:1'], curve_server: true", "a server needs curve_secretkey"),
    ):
        t.path("wrong.yaml").write_text("version: 1\n" + out(options))
        _, err = t.run("check", "wrong.yaml", status=78)
        assert said in err, err
        assert "alsoshort" not in err, err


@test
def the_commands_of_its_readme_print_what_stands_there(t):
    does_what_its_readme_shows(t, PLUGIN)


def keeps_the_contract(t, *options):
    t.only_uninstrumented()  # a sanitizer keeps what is freed, so memory seems to grow
    words = [word for option in options for word in ("--option", option)]
    out, err = t.run("plugin", "check", "zeromq", "--timeout", "60s", *words, seconds=120)
    assert b" 0 failed, 0 not run" in out, out.decode() + err


@test(seconds=150)
def it_keeps_the_contract_of_plugins(t):
    endpoint = tcp()
    with receiver(t, "pull", "bind", endpoint, "/dev/null"):
        keeps_the_contract(t, f"endpoints=[{endpoint}]")


@test(seconds=150)
def it_keeps_the_contract_with_acknowledgements_that_do_not_come(t):
    keeps_the_contract(t, "endpoints=[tcp://127.0.0.1:9]", "ack=true")
