# SPDX-License-Identifier: Apache-2.0
"""The plugin nanomsg: to and from programs of nng and nanomsg, and between hubs, through deaths of all of them."""

import contextlib
import ctypes
import re
import shutil
import struct
import sys
import time

from kit import equal, process, test, until
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
    logged,
    no_old_one_behind_a_new_one,
    numbered,
    run_while_processes_die,
    tcp,
    until_got,
    write_messages,
)

PLUGIN = HERE.parents[1] / "plugins/nanomsg"
PEER = HERE / "peers/nng_peer.py"

OUT = """
data_dir: state
sources: {in: {fifo: in}}
handlers: {away: {plugin: nanomsg, options: {%s}}}
routes: [{from: in, to: away}]
"""
INTO = """
data_dir: state2
sources: {afar: {plugin: nanomsg, options: {%s}}}
handlers: {out: {plugin: log, options: {path: out, format: %s, sync: never}}}
routes: [{from: afar, to: out}]
"""
LENGTHS = "framing: length_prefixed"


def out(options):
    return OUT % options


def into(options, format="frames"):
    return INTO % (options, format)


def nng(t, *words):
    with contextlib.suppress(OSError):
        ctypes.CDLL("libnng.so.1")
        return Peer(t, sys.executable, PEER, *words)
    raise Skip("libnng.so.1 is not installed (libnng1)")


def receiver(t, protocol, way, url, *topic):
    return nng(t, "recv", protocol, way, url, "got", *topic)


@contextlib.contextmanager
def sender(t, protocol, way, url, messages):
    write_messages(t, [[m] for m in messages])
    with nng(t, "send", protocol, way, url, "sent") as peer:
        yield peer


def cat(t, program, *words):
    """nngcat or nanocat; what it prints is in the file `printed`."""
    if not shutil.which(program):
        raise Skip(f"{program} is not installed (nng-utils, nanomsg-utils)")
    with t.path("printed").open("wb") as printed:
        return Peer(t, program, *words, stdout=printed)


def printed(t):
    return t.path("printed").read_bytes()


# ---- exact content


@test
def what_a_push_handler_sends_an_nng_program_pulls_as_it_was(t):
    for way, own in (("listen", "false"), ("dial", "true")):
        shutil.rmtree(t.path("state"), ignore_errors=True)
        t.path("got").unlink(missing_ok=True)
        url = tcp()
        with receiver(t, "pull0", way, url):
            hub = t.start(out(f"protocol: push, urls: ['{url}'], listen: {own}"))
            hub.says("protocol: push promises nothing")
            hub.send("in", KINDS_OF_PAYLOADS)
            equal([m for (m,) in until_got(t, len(KINDS_OF_PAYLOADS))], KINDS_OF_PAYLOADS)
            hub.stop().all_delivered(len(KINDS_OF_PAYLOADS))


@test
def what_an_nng_program_pushes_is_brought_as_it_was(t):
    url = tcp()
    hub = t.start(into(f"protocol: pull, urls: ['{url}'], listen: true"))
    hub.says("protocol: pull promises nothing")
    with sender(t, "push0", "dial", url, KINDS_OF_PAYLOADS):
        t.until_logged("out", KINDS_OF_PAYLOADS)
    hub.stop().all_delivered(len(KINDS_OF_PAYLOADS))
    equal(t.frames("out"), KINDS_OF_PAYLOADS)


@test
def requests_are_replied_to_by_an_nng_program(t):
    url = tcp()
    with receiver(t, "rep0", "listen", url):
        hub = t.start(out(f"urls: ['{url}']"))
        hub.send("in", KINDS_OF_PAYLOADS[:500])
        equal([m for (m,) in until_got(t, 500)], KINDS_OF_PAYLOADS[:500])
        hub.stop().all_delivered(500)


@test
def an_nng_programs_requests_are_replied_to_when_their_messages_are_safe(t):
    url = tcp()
    hub = t.start(into(f"urls: ['{url}'], listen: true"))
    with sender(t, "req0", "dial", url, KINDS_OF_PAYLOADS[:500]) as peer:
        equal(peer.process.stdout.readline(), b"sent\n")
        equal(t.frames("out"), KINDS_OF_PAYLOADS[:500])
    hub.stop().all_delivered(500)


@test
def requests_go_from_hub_to_hub_as_they_were(t):
    for window, count in ((1, len(KINDS_OF_PAYLOADS)), (8, len(KINDS_OF_PAYLOADS))):
        for left in ("state", "state2"):
            shutil.rmtree(t.path(left), ignore_errors=True)
        t.path("out").unlink(missing_ok=True)
        url = tcp()
        far = t.start(into(f"urls: ['{url}'], listen: true, {LENGTHS}"))
        hub = t.start(out(f"urls: ['{url}'], {LENGTHS}, window: {window}"))
        hub.send("in", KINDS_OF_PAYLOADS)
        t.until_logged("out", KINDS_OF_PAYLOADS)
        hub.stop().all_delivered(count)
        far.stop().all_delivered(count)
        arrived = t.frames("out")
        equal(arrived if window == 1 else sorted(arrived), KINDS_OF_PAYLOADS if window == 1 else sorted(KINDS_OF_PAYLOADS))


# ---- the tools of both libraries


@test
def nngcat_and_nanocat_reply_to_requests(t):
    for program, words in (
        ("nngcat", lambda url: ["--rep0", "--listen", url, "--data", "ok", "--quoted"]),
        ("nanocat", lambda url: ["--rep", "--bind", url, "--data", "ok", "--quoted"]),
    ):
        shutil.rmtree(t.path("state"), ignore_errors=True)
        url = tcp()
        with cat(t, program, *words(url)):
            hub = t.start(out(f"urls: ['{url}']"))
            hub.send("in", [b"one", b"two", b"x" * 2_000_000 if program == "nngcat" else b"three"])
            hub.stop().all_delivered(3)
            assert printed(t).startswith(b'"one"\n"two"\n') or not printed(t), printed(t)[:100]


@test
def the_peer_of_its_readme_replies(t):
    words = re.search(r"`(nngcat --rep0 [^`]*)`", (PLUGIN / "README.md").read_text())[1].split()
    url = tcp()
    words[words.index("--listen") + 1] = url
    with cat(t, *words):
        hub = t.start(out(f"urls: ['{url}']"))
        hub.send("in", [b"one", b"two"])
        hub.stop().all_delivered(2)


@test
def nngcat_and_nanocat_request_and_push(t):
    url, pulled = tcp(), tcp()
    hub = t.start(
        into(f"urls: ['{url}'], listen: true").replace("handlers:", "  pulled: {plugin: nanomsg, options: {protocol: pull, urls: ['%s'], listen: true}}\nhandlers:" % pulled)
        .replace("sources: {afar: ", "sources:\n  afar: ").replace("}}\n  pulled", "}\n  pulled").replace("from: afar", "from: [afar, pulled]")
    )  # fmt: skip
    messages = []
    for program, words in (
        ("nngcat", ["--req0", "--dial", url]),
        ("nanocat", ["--req", "--connect", url, "--recv-timeout", "10"]),
        ("nngcat", ["--push0", "--dial", pulled, "--delay", "1"]),
        ("nanocat", ["--push", "--connect", pulled, "--delay", "1"]),
    ):
        messages.append(f"from {program} {words[0]}".encode())
        with cat(t, program, *words, "--data", messages[-1].decode()):
            t.until_logged("out", messages)
    hub.stop().all_delivered(2, 2)
    equal(t.frames("out"), messages)


@test
def a_topic_is_before_the_message_and_subscribers_choose_by_it(t):
    url = tcp()
    with receiver(t, "sub0", "dial", url, "pump|"):
        hub = t.start(out(f"protocol: pub, urls: ['{url}'], listen: true, topic: '{{json:/kind}}|'"))
        warm = 0
        while not got(t):  # until the subscriber has come, a publisher drops
            hub.send("in", [b'{"kind":"pump"}'])
            warm += 1
            with contextlib.suppress(AssertionError):
                until(lambda: got(t), "the subscriber is there", 0.05)
        hub.send("in", [b'{"kind":"door","id":8}', b"no topic", b'{"kind":"pump","id":9}'])
        hub.says("dead-lettered \\(rejected\\): it has no topic: its payload is no JSON")
        until(lambda: got(t)[-1] == [b'pump|{"kind":"pump","id":9}'], "the last one has come")
        equal({m for (m,) in got(t)}, {b'pump|{"kind":"pump"}', b'pump|{"kind":"pump","id":9}'})
        hub.stop().says("in", accepted=warm + 3).says("in -> away", delivered=warm + 2, dead_lettered=1, dead_letters={"rejected": 1})


@test
def a_subscription_chooses_by_how_messages_begin(t):
    url = tcp()
    hub = t.start(into(f"protocol: sub, urls: ['{url}'], listen: true, subscribe: [pump]"))
    until(lambda: True, "it listens")
    while not t.size("out"):  # a publisher drops until the connection is there
        with sender(t, "pub0", "dial", url, [b"pump 1", b"door 1", b"pump 2"] * 100):
            with contextlib.suppress(AssertionError):
                until(lambda: t.size("out"), "something has come", 1)
    until(lambda: hub.stats()["deliveries"][0]["in_flight"] == 0, "all is written")
    account = hub.stop()
    arrived = t.frames("out")
    account.all_delivered(len(arrived))
    equal(set(arrived) - {b"pump 1", b"pump 2"}, set())


@test
def metadata_goes_from_hub_to_hub(t):
    for protocol, way in (("", ""), ("protocol: push, ", "protocol: pull, ")):
        for left in ("state", "state2"):
            shutil.rmtree(t.path(left), ignore_errors=True)
        t.path("out").unlink(missing_ok=True)
        url = tcp()
        both = f"urls: ['{url}'], {LENGTHS}, metadata: true"
        far = t.start(into(f"{way}listen: true, {both}", "jsonl"))
        hub = t.start(out(f"{protocol}{both}, headers: {{id: '{{source}}:{{sequence}}', device: '{{json:/device|?}}'}}"))
        hub.send("in", [b'{"device":"pump"}', b"\xff", b""])
        until(lambda: len(logged(t)) == 3, "all have come")
        hub.stop().all_delivered(3)
        far.stop().all_delivered(3)
        fifo = str(t.path("in")).encode()
        expected = [(b'{"device":"pump"}', b"in:1", b"pump"), (b"\xff", b"in:2", b"?"), (b"", b"in:3", b"?")]
        equal(logged(t), [(payload, {"fifo": fifo, "id": id, "device": device}) for payload, id, device in expected])


# ---- what cannot be sent or taken


@test
def what_is_too_large_is_dead_lettered_with_the_limit_and_more_than_a_mebibyte_passes(t):
    url = tcp()
    far = t.start(into(f"urls: ['{url}'], listen: true, recv_max_size: 3MiB"))
    hub = t.start(out(f"urls: ['{url}'], recv_max_size: 3MiB"))
    messages = [b"x" * 3 * 1024 * 1024, b"x" * (3 * 1024 * 1024 + 1), b"after"]
    hub.send("in", messages)
    hub.says("dead-lettered \\(rejected\\): it is sent as 3145729 bytes, and recv_max_size is 3145728")
    t.until_logged("out", [messages[0], messages[2]])
    hub.stop().says("in", accepted=3).says("in -> away", delivered=2, dead_lettered=1, dead_letters={"rejected": 1})
    far.stop().all_delivered(2)
    equal(t.frames("out"), [messages[0], messages[2]])


@test
def what_is_no_batch_is_left_out_and_replied_to(t):
    url = tcp()
    hub = t.start(into(f"urls: ['{url}'], listen: true, {LENGTHS}"))
    good = struct.pack("<I", 3) + b"one"
    with sender(t, "req0", "dial", url, [b"plain text", good + b"\1\0", b"", good * 2]) as peer:
        equal(peer.process.stdout.readline(), b"sent\n")
    hub.says("left out: it is not what framing: length_prefixed makes")
    hub.stop().all_delivered(3)
    equal(t.frames("out"), [b"one"] * 3)


# ---- outages and deaths


@test
def without_a_peer_messages_wait_in_the_hub_and_a_stop_is_not_held_up(t):
    for ours, theirs in (("req", "rep"), ("push", "pull")):
        for left in ("state", "state2"):
            shutil.rmtree(t.path(left), ignore_errors=True)
        t.path("out").unlink(missing_ok=True)
        url = tcp()
        yaml = "drain_timeout: 1s\n" + out(f"protocol: {ours}, urls: ['{url}']")
        hub = t.start(yaml)
        hub.send("in", numbered(0, 300))
        until(lambda: hub.stats()["sources"]["in"]["accepted"] == 300, "the hub has them")
        began = time.monotonic()
        account = hub.stop(seconds=15)
        assert time.monotonic() - began < 10 * SLOW, "the stop took too long"
        account.says("in", accepted=300).says("in -> away", in_flight=300)
        far = t.start(into(f"protocol: {theirs}, urls: ['{url}'], listen: true"))
        again = t.start(yaml)
        t.until_logged("out", numbered(0, 300))
        until(lambda: delivered(again) == 300, "all are delivered")
        again.stop().all_delivered(300)
        far.stop().all_delivered(300)
        equal(t.frames("out"), numbered(0, 300), ours)


@test
def an_nng_program_that_is_killed_loses_nothing(t):
    url = tcp()
    hub = t.start(out(f"urls: ['{url}'], reconnect_ivl: 20ms, reconnect_ivl_max: 100ms"))
    sent = 0
    for _ in range(4):
        with receiver(t, "rep0", "listen", url):
            hub.send("in", numbered(sent, 500))
            sent += 500
            until(lambda: len(got(t)) > sent - 400, "some have come")
    with receiver(t, "rep0", "listen", url):
        hub.stop().all_delivered(sent)
    arrived = [m for (m,) in got(t)]
    equal(list(dict.fromkeys(arrived)), numbered(0, sent))
    no_old_one_behind_a_new_one(arrived)
    assert len(arrived) - sent <= 4, f"{len(arrived) - sent} repeats of 4 deaths with one request open"


@test
def a_peer_that_reads_no_more_does_not_hold_up_a_stop(t):
    endpoint = tcp()
    with receiver(t, "pull0", "listen", endpoint) as peer:
        yaml = out(f"protocol: push, urls: ['{endpoint}']").replace("{fifo: in}", "{fifo: in, log: {max_size: 64MiB}}")
        a_stop_is_not_held_up_by(t, peer, "drain_timeout: 1s\n" + yaml)


@test(seconds=420)
def two_hubs_lose_nothing_whoever_of_them_dies(t):
    url = tcp()
    timing = "reconnect_ivl: 20ms, reconnect_ivl_max: 100ms"
    far = t.start(into(f"urls: ['{url}'], listen: true, {LENGTHS}, {timing}"))
    hub = t.start(out(f"urls: ['{url}'], {LENGTHS}, {timing}, resend_ivl: 1s"))
    sent, deaths = run_while_processes_die(hub, far, 5000)
    # One request is open at a time, of at most 2,048 messages.
    came_in_order(t, far, sent, deaths * 2048)


SLOW_HANDLER = """#!/usr/bin/env python3
import os, time, standpipe

class Slow(standpipe.Handler):
    def handle(self, m):
        with open("given", "ab") as file:
            file.write(m.payload + b"\\n")
        while not os.path.exists("go"):
            time.sleep(0.02)

Slow().run()
"""


@test
def a_request_that_waits_long_is_sent_again_and_brought_once(t):
    url = tcp()
    t.path("slow.py").write_text(SLOW_HANDLER)
    t.path("slow.py").chmod(0o755)
    yaml = into(f"urls: ['{url}'], listen: true")
    yaml = re.sub(r"handlers: .*", "handlers: {out: {plugin: exec, options: {command: [./slow.py]}}}", yaml)
    environment = process.environment(t.folder) | {"PYTHONPATH": str(HERE.parents[1] / "sdk/python/src"), "PYTHONDONTWRITEBYTECODE": "1"}
    far = t.start(yaml, env=environment)
    hub = t.start(out(f"urls: ['{url}'], resend_ivl: 100ms"))
    hub.send("in", [b"one"])
    until(lambda: t.path("given").exists(), "it has come")
    time.sleep(0.5)  # for requests that repeat it
    t.path("go").touch()
    hub.stop().all_delivered(1)
    far.stop().all_delivered(1)
    equal(t.path("given").read_bytes(), b"one\n")


# ---- what is wrong with a configuration, and the documents


@test
def wrong_options_are_refused_with_what_to_write(t):
    for options, said in (
        ("protocol: pull, urls: ['tcp://127.0.0.1:1']", "a handler is one of req, push, pub, not pull"),
        ("urls: [localhost]", "'localhost' is none; write tcp://HOST:PORT, ipc:///PATH or ws://HOST:PORT"),
        ("urls: []", "name at least one"),
        ("urls: ['tcp://127.0.0.1:1'], listen: true, window: 2", "only one socket can listen"),
        ("urls: ['tcp://127.0.0.1:1'], topic: x", "only protocol: pub has topics"),
        ("urls: ['tcp://127.0.0.1:1'], metadata: true", "it needs framing: length_prefixed"),
        ("urls: ['tcp://127.0.0.1:1'], subscribe: [x]", "unknown option 'subscribe' in handler 'away'"),
    ):
        t.path("wrong.yaml").write_text("version: 1\n" + out(options))
        _, err = t.run("check", "wrong.yaml", status=78)
        assert said in err, err


@test
def the_commands_of_its_readme_print_what_stands_there(t):
    does_what_its_readme_shows(t, PLUGIN)


@test(seconds=150)
def it_keeps_the_contract_of_plugins(t):
    t.only_uninstrumented()  # a sanitizer keeps what is freed, so memory seems to grow
    for more in ([], ["--option", LENGTHS.replace(": ", "=")]):
        said, err = t.run("plugin", "check", "nanomsg", "--timeout", "60s", "--option", "urls=[tcp://127.0.0.1:9]", *more, seconds=120)
        assert b" 0 failed, 0 not run" in said, said.decode() + err
