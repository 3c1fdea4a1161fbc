# SPDX-License-Identifier: Apache-2.0
"""The plugin unix in whole hubs: beside socat and Python's sockets, and two hubs that are joined, with deaths on all sides."""

import contextlib
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

from kit import SLOW, equal, frames_in, process, test, until
from kit.bench import Skip
from peer_programs import kill_the_keeper

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLUGIN = ROOT / "plugins/unix"
SECONDS = float(os.environ.get("STANDPIPE_BRIDGE_SECONDS", "6"))
GREETING = 12
ODD = [b"", b"x", b"\0\xff\n\r\n\0", bytes(range(256)) * 16, b"end"]

OUT = """
data_dir: state
sources: {in: {fifo: in}}
handlers:
  out: {plugin: unix, retry: {backoff: {initial: 20ms, max: 200ms}}, options: {path: s, %s}}
routes: [{from: in, to: out}]
"""
IN = """
data_dir: state
sources: {in: {plugin: unix, options: {path: s, listen: true, %s}}}
handlers: {out: {plugin: log, options: {path: log, format: frames, sync: never}}}
routes: [{from: in, to: out}]
"""


def numbered(count, size=0):
    return [(b"%d " % i).ljust(size, b".") for i in range(count)]


def needs_socat():
    if not shutil.which("socat"):
        raise Skip("socat is not installed: apt-get install socat")


@contextlib.contextmanager
def within(t):
    """The test's folder as the working directory: the path of a socket is short there, whatever TMPDIR is."""
    before = os.getcwd()
    os.chdir(t.folder)
    try:
        yield
    finally:
        os.chdir(before)


def connected(t, path="s", kind=socket.SOCK_STREAM, seconds=20):
    """As soon as somebody serves the path."""
    made = []

    def attempt():
        s = socket.socket(socket.AF_UNIX, kind)
        try:
            with within(t):
                s.connect(path)
        except OSError:
            s.close()
            return False
        made.append(s)
        return True

    until(attempt, f"somebody serves {path}", seconds)
    made[0].settimeout(20 * SLOW)
    return made[0]


def serving(t, path="s", kind=socket.SOCK_STREAM):
    s = socket.socket(socket.AF_UNIX, kind)
    with within(t):
        pathlib.Path(path).unlink(missing_ok=True)
        s.bind(path)
    s.listen(16)
    s.settimeout(20 * SLOW)
    return s


def accepted(server):
    connection, _ = server.accept()
    connection.settimeout(20 * SLOW)
    return connection


def greeting(metadata=False, most=16 << 20):
    return b"SPUX" + struct.pack("<BBHI", 1, metadata, 0, most)


def pairs_in(data):
    pairs = []
    while data:
        name, value = struct.unpack_from("<II", data)
        pairs.append((data[8 : 8 + name].decode(), data[8 + name : 8 + name + value]))
        data = data[8 + name + value :]
    return pairs


def pairs(**values):
    return b"".join(struct.pack("<II", len(n), len(v)) + n.encode() + v for n, v in values.items())


class Records:
    """What comes over a connection, record by record."""

    def __init__(self, connection, packets=False):
        self.connection, self.packets, self.held, self.at = connection, packets, bytearray(), 0

    def exactly(self, size):
        while len(self.held) - self.at < size:
            data = self.connection.recv(1 << 18)
            if not data:
                raise EOFError
            del self.held[: self.at]
            self.at = 0
            self.held += data
        self.at += size
        return bytes(self.held[self.at - size : self.at])

    def greeting(self):
        return self.connection.recv(100) if self.packets else self.exactly(GREETING)

    def next(self):
        if self.packets:
            data = self.connection.recv(1 << 20)
            if not data:
                raise EOFError
            return data
        return self.exactly(struct.unpack("<I", self.exactly(4))[0])

    def take(self, count):
        return [self.next() for _ in range(count)]

    def send(self, record):
        self.connection.sendall(record if self.packets else struct.pack("<I", len(record)) + record)

    def acknowledge(self, sequence):
        self.send(b"a" + struct.pack("<Q", sequence))

    def answer(self):
        record = self.next()
        return record[:1], struct.unpack_from("<Q", record, 1)[0], record[9:]


def received_with_acks(connection, keep, packets=False):
    """A receiver as PROTOCOL.md has it; keeps payloads in a list."""
    records = Records(connection, packets)
    connection.sendall(greeting())
    assert records.greeting().startswith(b"SPUX\x01")
    with contextlib.suppress(EOFError, ConnectionError):
        while True:
            record = records.next()
            keep.append(record[8:])
            records.acknowledge(struct.unpack("<Q", record[:8])[0])


def instance_processes(hub):
    """Those of handlers and sources."""
    found = []
    for worker in hub.pids()[1:]:  # there may be none just now
        with contextlib.suppress(OSError):
            for task in pathlib.Path(f"/proc/{worker}/task").iterdir():
                found += [int(pid) for pid in (task / "children").read_text().split()]
    return found


# ---- both ways, exactly


@test
def a_handler_sends_every_payload_as_it_is(t):
    server = serving(t)
    hub = t.start(OUT % "")
    messages = [*ODD, os.urandom(3_000_000), *numbered(5000, 128)]
    sending = t.meanwhile(hub.send, "in", messages)
    equal(Records(accepted(server)).take(len(messages)), messages)
    sending.join()
    hub.stop().all_delivered(len(messages))


@test
def a_source_brings_every_payload_as_it_is(t):
    hub = t.start(IN % "")
    client = connected(t)
    messages = [*ODD, os.urandom(3_000_000), *numbered(5000, 128)]
    for message in messages:
        client.sendall(struct.pack("<I", len(message)) + message)
    t.until_logged("log", messages)
    hub.stop().all_delivered(len(messages))
    equal(t.frames("log"), messages)


@test
def lines_come_and_go_by_socat(t):
    needs_socat()
    hub = t.start(
        """
data_dir: state
sources: {in: {plugin: unix, options: {path: s, listen: true, framing: newline}}}
handlers: {out: {plugin: unix, options: {path: o, framing: newline}, retry: {backoff: {initial: 20ms, max: 100ms}}}}
routes: [{from: in, to: out}]
"""
    )
    lines = [b"line %d" % i for i in range(20_000)] + [b"", b"\0\xff", b"x" * 1_000_000]
    reader = process.spawn(["socat", "-u", "UNIX-LISTEN:o", "CREATE:lines"], cwd=t.folder)
    until(lambda: t.path("s").exists() and t.path("o").exists(), "both listen")
    subprocess.run(["socat", "-u", "-", "UNIX-CONNECT:s"], input=b"".join(line + b"\n" for line in lines), cwd=t.folder, check=True)
    until(lambda: t.size("lines") == sum(len(line) + 1 for line in lines), "all have come")
    hub.stop().all_delivered(len(lines))
    reader.wait(20)
    equal(t.path("lines").read_bytes().split(b"\n")[:-1], lines)


@test
def a_newline_in_a_payload_is_dead_lettered_where_it_would_end_the_message(t):
    server = serving(t)
    hub = t.start(OUT % "framing: newline, max_message_size: 100B")
    hub.send("in", [b"one", b"t\nwo", b"x" * 101, b"three"])
    equal(accepted(server).makefile("rb").readline(), b"one\n")
    hub.says(r"dead-lettered \(rejected\): it has a newline, which ends a message")
    hub.says(r"dead-lettered \(rejected\): its 101 bytes are more than max_message_size \(100\)")
    hub.stop().says("in", accepted=4).says("in -> out", delivered=2, dead_lettered=2, dead_letters={"rejected": 2})


@test
def packets_come_and_go_by_socat(t):
    needs_socat()
    hub = t.start(
        """
data_dir: state
sources: {in: {plugin: unix, options: {path: s, listen: true, type: seqpacket}}}
handlers: {out: {plugin: unix, options: {path: o, type: seqpacket}, retry: {backoff: {initial: 20ms, max: 100ms}}}}
routes: [{from: in, to: out}]
"""
    )
    server = serving(t, "o", socket.SOCK_SEQPACKET)
    until(lambda: t.path("s").exists(), "it listens")
    subprocess.run(["socat", "-u", "-", "UNIX-CONNECT:s,type=5"], input=b"a packet\0\xff", cwd=t.folder, check=True)
    client = connected(t, "s", socket.SOCK_SEQPACKET)
    messages = [*[m for m in ODD if m], *numbered(3000, 128), b"y" * 200_000]

    def send():
        for message in messages:
            client.send(message)

    sending = t.meanwhile(send)
    equal(Records(accepted(server), packets=True).take(1 + len(messages)), [b"a packet\0\xff", *messages])
    sending.join()
    hub.stop().all_delivered(1 + len(messages))


@test
def what_no_packet_can_hold_is_dead_lettered_and_the_limit_is_named(t):
    server = serving(t, kind=socket.SOCK_SEQPACKET)
    hub = t.start(OUT % "type: seqpacket, so_sndbuf: 64KiB")
    hub.send("in", [b"one", b"x" * 200_000, b"", b"two"])
    equal(Records(accepted(server), packets=True).take(2), [b"one", b"two"])
    hub.says(r"as a packet it has 200000 bytes, and a packet has at most SO_SNDBUF less 32 \(131040\): raise so_sndbuf")
    hub.says(r"it is empty, and an empty packet looks like the end of the connection")
    hub.stop().says("in", accepted=4).says("in -> out", delivered=2, dead_lettered=2, dead_letters={"rejected": 2})


@test
def a_packet_that_the_kernel_cannot_make_is_dead_lettered(t):
    most = int(pathlib.Path("/proc/sys/net/core/wmem_max").read_text()) * 2 - 32
    server = serving(t, kind=socket.SOCK_SEQPACKET)
    hub = t.start(OUT % "type: seqpacket, so_sndbuf: 64MiB")
    too_large = b"x" * min(4_263_617, most + 1)
    sending = t.meanwhile(hub.send, "in", [b"one", too_large, b"two"])
    equal(Records(accepted(server), packets=True).take(2), [b"one", b"two"])
    hub.says(r"bytes(, and a packet has at most SO_SNDBUF less 32| is more than the kernel makes, whatever SO_SNDBUF is)")
    sending.join()
    hub.stop().says("in", accepted=3).says("in -> out", delivered=2, dead_lettered=1, dead_letters={"rejected": 1})


@test
def a_packet_that_is_too_long_for_a_source_is_left_out_and_reported(t):
    hub = t.start(IN % "type: seqpacket, max_message_size: 10KiB")
    client = connected(t, kind=socket.SOCK_SEQPACKET)
    for message in (b"one", b"x" * 20_000, b"", b"two"):
        client.send(message)
    hub.says(r"left out a message of a client \(pid \d+, uid \d+, gid \d+\): a packet of 20000 bytes is more than max_message_size \(10240\)")
    t.until_logged("log", [b"one", b"", b"two"])
    hub.stop().all_delivered(3)
    equal(t.frames("log"), [b"one", b"", b"two"])


@test
def metadata_and_templates_travel_both_ways(t):
    server = serving(t)
    hub = t.start(OUT % "ack: true, metadata: true, headers: {id: '{source}:{sequence}', device: '{json:/device|none}', none: '{json:/none}'}")
    sending = t.meanwhile(hub.send, "in", [b'{"device":"d7"}', b""])
    connection = accepted(server)
    connection.sendall(greeting(metadata=True))
    records = Records(connection)
    records.greeting()
    found = []
    for record in records.take(2):
        size = struct.unpack_from("<I", record, 8)[0]
        found.append((pairs_in(record[12 : 12 + size]), record[12 + size :]))
        records.acknowledge(struct.unpack_from("<Q", record)[0])
    sending.join()
    hub.stop().all_delivered(2)
    fifo = ("fifo", str(t.path("in")).encode())
    equal([f[1] for f in found], [b'{"device":"d7"}', b""])
    equal([f[0][-2:] for f in found], [[("id", b"in:1"), ("device", b"d7")], [("id", b"in:2"), ("device", b"none")]])
    equal([f[0][0][0] for f in found], [fifo[0]] * 2)

    hub = t.start(
        """
data_dir: state2
sources: {in: {plugin: unix, options: {path: i, listen: true, metadata: true}}}
handlers: {out: {plugin: print, options: {template: "{meta:kind}|{meta:uid}|{meta:pid}|{payload}"}}}
routes: [{from: in, match: {meta: {kind: loud}}, to: out}]
"""
    )
    client = connected(t, "i")
    meta = pairs(kind=b"loud", uid=b"12345")
    Records(client).send(struct.pack("<I", len(meta)) + meta + b"hello")
    said = f"loud|{os.getuid()}|{os.getpid()}|hello\n".encode()
    until(lambda: hub.stdout() == said, "it is printed, and nobody can say that they are somebody else")
    hub.stop().all_delivered(1)


# ---- acknowledgements


@test
def a_message_is_settled_only_when_it_is_acknowledged(t):
    server = serving(t)
    hub = t.start(OUT % "ack: true")
    hub.send("in", numbered(10))
    connection = accepted(server)
    connection.sendall(greeting())
    records = Records(connection)
    records.greeting()
    sequences = [struct.unpack("<Q", r[:8])[0] for r in records.take(10)]
    equal(hub.stats()["deliveries"][0]["delivered"], 0)
    records.acknowledge(sequences[3])
    until(lambda: hub.stats()["deliveries"][0]["delivered"] == 4, "four are settled")
    connection.close()
    connection = accepted(server)
    kept = []
    receiving = t.meanwhile(received_with_acks, connection, kept)
    until(lambda: len(kept) == 6, "the others come again, and no more")
    hub.stop().all_delivered(10)
    receiving.join()
    equal(kept, numbered(10)[4:])


@test
def a_receiver_can_refuse_a_message_and_says_how_large_one_may_be(t):
    server = serving(t)
    hub = t.start(OUT % "ack: true")
    hub.send("in", [b"one", b"two", b"x" * 2000])
    connection = accepted(server)
    connection.sendall(greeting(most=1000))
    records = Records(connection)
    records.greeting()
    sequences = [struct.unpack("<Q", r[:8])[0] for r in records.take(2)]
    records.send(b"r" + struct.pack("<Q", sequences[0]) + b"nobody wants it")
    records.acknowledge(sequences[1])
    hub.says(r"dead-lettered \(rejected\): the receiver refuses it: nobody wants it")
    hub.says(r"its 2000 bytes are more than the receiver's max_message_size \(1000\)")
    hub.stop().says("in", accepted=3).says("in -> out", delivered=1, dead_lettered=2, dead_letters={"rejected": 2})


@test
def a_source_acknowledges_what_is_settled_and_refuses_what_it_cannot_take(t):
    for kind, name in ((socket.SOCK_STREAM, "stream"), (socket.SOCK_SEQPACKET, "seqpacket")):
        t.path("log").unlink(missing_ok=True)
        hub = t.start(IN % f"ack: true, type: {name}, max_message_size: 5000B")
        client = connected(t, kind=kind)
        client.sendall(greeting())
        records = Records(client, packets=name == "seqpacket")
        assert records.greeting().startswith(b"SPUX\x01")
        for sequence, payload in ((7, b"one"), (8, b""), (20, b"three")):
            records.send(struct.pack("<Q", sequence) + payload)
        answer = (b"", 0)
        while answer[1] < 20:
            answer = records.answer()
            equal(answer[0], b"a")
        if name == "seqpacket":
            records.send(struct.pack("<Q", 21) + b"x" * 9000)
            answer = records.answer()
            equal(answer[:2], (b"r", 21))
            assert b"more than max_message_size (5000)" in answer[2], answer
            equal(records.answer(), (b"a", 21, b""))
        client.close()
        hub.stop().all_delivered(3)
        equal(t.frames("log"), [b"one", b"", b"three"])
        shutil.rmtree(t.path("state"))


@test
def ends_that_do_not_agree_are_told_what_to_do(t):
    server = serving(t)
    for said, answer in (
        (r"it does not greet: does its side have ack: true, too\?", b"\0" * 12),
        (r"metadata: it must be the same at both ends", greeting(metadata=True)),
    ):
        shutil.rmtree(t.path("state"), ignore_errors=True)
        hub = t.start(OUT % "ack: true")
        hub.send("in", [b"one"])
        with accepted(server) as connection:
            connection.sendall(answer)
            hub.says(said)
        received = []
        connection = accepted(server)
        receiving = t.meanwhile(received_with_acks, connection, received)
        until(lambda: received == [b"one"], "it comes when they agree")
        hub.stop().all_delivered(1)
        receiving.join()
    server.close()

    hub = t.start(IN % "ack: true")
    client = connected(t)
    client.sendall(b"\5\0\0\0hello....")
    hub.says(r"a client of .*s \(pid \d+, uid \d+, gid \d+\): it does not greet")
    equal(client.recv(100)[:4], b"SPUX")
    hub.stop().all_delivered(0)


# ---- deaths


@test
def a_receiver_that_dies_in_mid_stream_gets_the_rest_again(t):
    server = serving(t)
    hub = t.start(OUT % "ack: true")
    messages = numbered(30_000, 64)
    sending = t.meanwhile(hub.send, "in", messages)
    kept, breaks, missing = [], [], set(messages)
    while missing:
        connection = accepted(server)
        connection.sendall(greeting())
        records = Records(connection)
        records.greeting()
        end = len(kept) + random.randint(2000, 8000)
        while missing and len(kept) < end:
            record = records.next()
            kept.append(record[8:])
            missing.discard(record[8:])
            if len(kept) % 100 == 0 or not missing:
                records.acknowledge(struct.unpack("<Q", record[:8])[0])
        breaks.append(len(kept))
        if missing:
            connection.close()
    sending.join()
    hub.stop().all_delivered(len(messages))
    connection.close()
    equal(sorted(set(kept)), sorted(messages))
    check_order(kept, messages, breaks)


def check_order(kept, messages, breaks):
    """Between breaks each message follows the one before it; after one it goes on with the first that was not acknowledged."""
    number = {m: i for i, m in enumerate(messages)}
    before = None
    for at, message in enumerate(kept):
        if before is not None and number[message] != before + 1:
            assert at in breaks, f"message {number[message]} follows {before} and no break"
            assert number[message] <= before + 1, f"{before + 1} is missing"
        before = number[message]


LINK_A = """
data_dir: a
sources: {in: {fifo: in}}
handlers:
  link: {plugin: unix, retry: {backoff: {initial: 10ms, max: 100ms}}, options: {path: link, ack: true, metadata: true, %s}}
routes: [{from: in, to: link}]
"""
LINK_B = """
data_dir: b
sources: {link: {plugin: unix, retry: {backoff: {initial: 10ms, max: 100ms}}, options: {path: link, ack: true, metadata: true, listen: true, %s}}}
handlers: {out: {plugin: log, options: {path: log, format: frames, sync: never}}}
routes: [{from: link, to: out}]
"""


@test
def two_hubs_that_are_joined_lose_nothing_and_repeat_nothing(t):
    for kind in ("stream", "seqpacket"):
        b = t.start(LINK_B % f"type: {kind}")
        a = t.start(LINK_A % f"type: {kind}")
        messages = [*ODD, *numbered(30_000, 100)]
        a.send("in", messages)
        t.until_logged("log", messages)
        a.stop().all_delivered(len(messages))
        b.stop().all_delivered(len(messages))
        equal(t.frames("log"), messages)
        for left in ("a", "b"):
            shutil.rmtree(t.path(left))
        t.path("log").unlink()


@test(seconds=100 + 3 * SECONDS)
def two_hubs_that_are_joined_lose_nothing_when_anything_of_them_is_killed(t):
    b = t.start(LINK_B % "")
    a = t.start(LINK_A % "")
    stop = threading.Event()
    sent = []

    def write():
        with contextlib.closing(t.writer("in")) as writer:
            while not stop.is_set():
                batch = [b"%d" % (len(sent) + i) + b"." * random.randint(0, 200) for i in range(500)]
                writer.send(*batch)
                sent.extend(batch)
                time.sleep(0.005)

    def kill():
        hub = random.choice((a, b))
        if hub is b and random.random() < 0.15:  # the other one's writer would have a broken pipe
            return kill_the_keeper(b)
        victims = [*hub.pids()[1:2], *instance_processes(hub)]
        with contextlib.suppress(ProcessLookupError):
            os.kill(random.choice(victims or [0x7FFFFFFF]), signal.SIGKILL)

    writing = t.meanwhile(write)
    end = time.monotonic() + SECONDS * SLOW
    kills = 0
    while time.monotonic() < end:
        size = t.size("log")
        until(lambda: t.size("log") > size + 10_000, "messages flow, after a death, too", 60)
        time.sleep(random.uniform(0, 0.3) * SLOW)  # into which traffic the next death falls
        kill()
        kills += 1
    stop.set()
    writing.join()
    until(lambda: a.stats()["sources"]["in"]["accepted"] == len(sent) and a.stats()["deliveries"][0]["in_flight"] == 0, "all are acknowledged", 60)
    a.stop().all_delivered(len(sent))
    b.stop().all_settled()
    got = t.frames("log")
    assert set(got) == set(sent), "the log has what nobody sent"
    first = list(dict.fromkeys(got))
    equal(first, sent, "the order in which each came first")
    repeats = len(got) - len(sent)
    assert repeats <= kills * 9000, f"{repeats} repeats of {len(sent)} after {kills} deaths"
    t.path("chaos").write_text(f"{len(sent)} messages, {kills} deaths, {repeats} repeats\n")


@test
def a_hub_that_is_killed_whole_and_started_again_loses_nothing_that_was_not_acknowledged(t):
    a = t.start(LINK_A % "")
    messages = numbered(20_000, 50)
    sending = t.meanwhile(a.send, "in", messages)
    for round in range(3):
        b = t.hub(LINK_B % "").start()
        target = (round + 1) * 3000
        until(lambda: t.path("log").exists() and len(frames_in(t.path("log").read_bytes(), incomplete=True)[0]) >= target, "some have come", 30)
        for pid in [*b.pids(), *instance_processes(b)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        b.process.wait()
        b.ended = True
        shutil.rmtree(t.path("b"), ignore_errors=True)
    b = t.start(LINK_B % "")
    sending.join()
    until(lambda: a.stats()["deliveries"][0]["in_flight"] == 0 and a.stats()["sources"]["in"]["accepted"] == len(messages), "all are acknowledged", 30)
    a.stop().all_delivered(len(messages))
    account = b.stop()
    account.all_delivered(account.of("link")["accepted"])
    found = frames_in(t.path("log").read_bytes(), incomplete=True)[0]
    assert set(messages) <= set(found), f"{len(set(messages) - set(found))} are missing"


@test
def a_stop_while_the_server_is_away_ends_in_time_and_keeps_what_waits(t):
    for ack in ("true", "false"):
        yaml = ("drain_timeout: 1s\n" + OUT) % f"ack: {ack}"
        hub = t.start(yaml)
        hub.send("in", numbered(100))
        hub.says(r"out: disconnected: nobody serves .*s \(No such file or directory\)")
        began = time.monotonic()
        account = hub.stop()
        assert time.monotonic() - began < 6 * SLOW
        equal(account.of("in -> out")["in_flight"], 100)
        equal(account.of("in")["accepted"], 100)
        server = serving(t)
        hub = t.start(yaml)
        connection = accepted(server)
        kept = []
        if ack == "true":
            receiving = t.meanwhile(received_with_acks, connection, kept)
            until(lambda: len(kept) == 100, "all come after the next start")
        else:
            kept = Records(connection).take(100)
        account = hub.stop()
        equal(account.of("in -> out")["delivered"], 100)
        account.of("in")
        if ack == "true":
            receiving.join()
        equal(kept, numbered(100))
        server.close()
        t.path("s").unlink()
        shutil.rmtree(t.path("state"))


@test
def a_receiver_that_reads_nothing_does_not_hold_up_a_stop(t):
    server = serving(t)
    for ack in ("false", "true"):
        hub = t.start(("drain_timeout: 1s\n" + OUT) % f"ack: {ack}")
        hub.send("in", numbered(700, 1000))
        connection = accepted(server)
        connection.sendall(greeting())
        until(lambda: hub.stats()["sources"]["in"]["accepted"] == 700, "the hub has them")
        began = time.monotonic()
        account = hub.stop()
        assert time.monotonic() - began < 8 * SLOW, "it took long"
        delivery, _ = account.of("in -> out"), account.of("in")
        equal(delivery["delivered"] + delivery["in_flight"], 700)
        assert delivery["in_flight"] > 0, delivery
        connection.close()
        shutil.rmtree(t.path("state"))


# ---- a handler as a server


@test
def a_server_without_clients_waits_and_keeps_its_messages(t):
    hub = t.start(OUT % "listen: true")
    hub.send("in", numbered(10))
    hub.says(r"out: disconnected: no client is connected to s")
    client = connected(t)
    equal(Records(client).take(10), numbered(10))
    client.close()
    hub.says(r"out: disconnected: the last client of s \(pid \d+, uid \d+, gid \d+\): the other end closed the connection")
    hub.send("in", numbered(5))
    equal(Records(connected(t)).take(5), numbered(5))
    hub.stop().all_delivered(15)
    assert not t.path("s").exists() and not t.path("s.lock").exists(), "it leaves nothing behind"


@test
def clients_share_the_messages_and_what_one_leaves_goes_to_another(t):
    hub = t.start(OUT % "listen: true, ack: true")
    kept = [[], []]
    until(lambda: t.path("s").exists(), "it listens")
    clients = [connected(t), connected(t)]
    gone = connected(t)
    gone.sendall(greeting())
    receiving = [t.meanwhile(received_with_acks, client, mine) for client, mine in zip(clients, kept)]
    Records(gone).greeting()
    messages = numbered(20_000, 64)
    with contextlib.closing(t.writer("in")) as writer:
        for i in range(0, len(messages), 200):
            writer.send(*messages[i : i + 200])
    until(lambda: sum(map(len, kept)) > 5000, "they get some")
    gone.close()  # it has read nothing and acknowledged nothing
    until(lambda: len({*kept[0], *kept[1]}) == len(messages), "nothing is missing")
    hub.stop().all_delivered(len(messages))
    for thread in receiving:
        thread.join()
    assert all(len(mine) > 100 for mine in kept), [len(mine) for mine in kept]


@test
def every_client_gets_each_message_where_it_goes_to_all(t):
    hub = t.start(OUT % "listen: true, ack: true, distribute: all, slow_client_timeout: 2s")
    kept = [[], []]
    until(lambda: t.path("s").exists(), "it listens")
    clients = [connected(t), connected(t)]
    receiving = [t.meanwhile(received_with_acks, client, mine) for client, mine in zip(clients, kept)]
    probe = 0
    while not all(kept):  # both have greeted when both have got one
        hub.send("in", [b"probe"])
        probe += 1
        until(lambda: kept[0].count(b"probe") + kept[1].count(b"probe") >= probe, "somebody gets it")
    for mine in kept:
        mine.clear()
    until(lambda: hub.stats()["deliveries"][0]["in_flight"] == 0, "all are settled")
    for mine in kept:
        mine.clear()
    messages = numbered(10_000, 64)
    hub.send("in", messages)
    until(lambda: all(len(mine) == len(messages) for mine in kept), "both have all")
    equal(kept, [messages, messages])
    slow = connected(t)
    slow.sendall(greeting())
    Records(slow).greeting()
    sent = 0
    while "slow_client_timeout" not in hub.stderr():
        hub.send("in", numbered(2000, 500))
        sent += 2000
        assert sent < 1_000_000
    hub.says(r"a client of s \(pid \d+, uid \d+, gid \d+\): it took nothing for slow_client_timeout while others wait for it")
    until(lambda: hub.stats()["deliveries"][0]["in_flight"] == 0, "the others go on")
    hub.stop().all_delivered(probe + len(messages) + sent)
    slow.close()
    for thread in receiving:
        thread.join()
    equal([len(mine) for mine in kept], [len(messages) + sent] * 2)


@test
def a_stop_while_no_client_is_there_ends_in_time(t):
    hub = t.start("drain_timeout: 1s\n" + OUT % "listen: true")
    hub.send("in", numbered(10))
    until(lambda: hub.stats()["sources"]["in"]["accepted"] == 10, "the hub has them")
    for _ in range(2):  # it waits for a client, or for the back-off
        began = time.monotonic()
        account = hub.stop()
        assert time.monotonic() - began < 6 * SLOW
        account.of("in")
        equal(account.of("in -> out")["in_flight"], 10)
        hub = t.start("drain_timeout: 1s\n" + OUT % "listen: true")
        hub.says("out: disconnected: no client is connected to s")
    equal(Records(connected(t)).take(10), numbered(10))
    hub.stop().of("in -> out")
    hub.account.of("in")


@test
def what_a_client_says_without_being_asked_means_nothing_and_stops_nobody(t):
    hub = t.start(OUT % "listen: true, distribute: all")
    until(lambda: t.path("s").exists(), "it listens")
    loud, quiet = connected(t), connected(t)
    stop = threading.Event()

    def talk():
        with contextlib.suppress(OSError):
            while not stop.is_set():
                loud.sendall(b"bla" * 10_000)

    talking = t.meanwhile(talk)
    messages = numbered(2000, 50)
    loud_records = t.meanwhile(Records(loud).take, len(messages))
    hub.says("ready|connected again")
    until(lambda: hub.stats()["deliveries"][0]["in_flight"] == 0, "it is open")
    hub.send("in", messages)
    equal(loud_records.join(), messages)
    stop.set()
    loud.shutdown(socket.SHUT_RDWR)
    talking.join()
    quiet.close()
    hub.stop().all_delivered(len(messages))


@test
def socat_reads_from_a_server_that_sends(t):
    needs_socat()
    hub = t.start(OUT % "listen: true, framing: newline")
    until(lambda: t.path("s").exists(), "it listens")
    reader = process.spawn(["socat", "-u", "UNIX-CONNECT:s", "CREATE:lines"], cwd=t.folder)
    lines = [b"line %d" % i for i in range(10_000)]
    hub.send("in", lines)
    until(lambda: t.size("lines") == sum(len(line) + 1 for line in lines), "all have come")
    hub.stop().all_delivered(len(lines))
    equal(reader.wait(20), 0)
    equal(t.path("lines").read_bytes().split(b"\n")[:-1], lines)


@test
def without_acknowledgements_what_the_kernel_had_in_part_comes_again_whole(t):
    server = serving(t)
    hub = t.start(OUT % "")
    messages = [b"%d" % i + os.urandom(100_000) for i in range(10)]
    sending = t.meanwhile(hub.send, "in", messages)
    with accepted(server) as connection:
        equal(Records(connection).take(1), messages[:1])
    records = Records(accepted(server))
    found = records.take(1)
    while found[-1] != messages[-1]:
        found += records.take(1)
    sending.join()
    hub.stop().all_delivered(10)
    equal(found, messages[-len(found) :], "whole messages, in order, up to the last one")


# ---- a source as a client


@test
def a_source_that_connects_comes_again_when_its_server_does(t):
    yaml = (IN % "ack: true").replace("listen: true, ", "").replace("plugin: unix,", "plugin: unix, ack: accepted, retry: {backoff: {initial: 20ms, max: 200ms}},")
    hub = t.start(yaml)
    hub.says(r"in: disconnected: nobody serves s \(No such file or directory\)")
    messages = numbered(3000, 50)
    at = 0
    server = serving(t)
    while at < len(messages):
        connection = accepted(server)
        records = Records(connection)
        connection.sendall(greeting())
        records.greeting()
        end = min(at + 1000, len(messages))
        for i in range(at, end):
            records.send(struct.pack("<Q", 1 + i - at) + messages[i])
        answer = (b"a", 0)
        while answer[1] < end - at:
            answer = records.answer()
        at += answer[1]
        connection.close()
    t.until_logged("log", messages)
    hub.stop().all_delivered(len(messages))
    equal(t.frames("log"), messages)


# ---- a source as a server


@test
def a_client_that_dies_inside_a_frame_costs_nobody_anything(t):
    hub = t.start(IN % "max_message_size: 1MiB")
    good, dying, wrong = connected(t), connected(t), connected(t)
    Records(good).send(b"one")
    dying.sendall(struct.pack("<I", 3) + b"two" + struct.pack("<I", 1000) + b"x" * 500)
    wrong.sendall(b"GET / HTTP/1.1\r\n\r\n")
    dying.close()
    hub.says(r"a client of s \(pid \d+, uid \d+, gid \d+\): left 504 bytes of a message that is not complete; they are dropped")
    hub.says(r"a frame of 542393671 bytes is not between 0 and 1048576 .*: is its framing length")
    equal(wrong.recv(10), b"", "the connection is closed")
    Records(good).send(b"three")
    until(lambda: t.path("log").exists() and sorted(t.frames("log")) == [b"one", b"three", b"two"], "the others have come")
    hub.stop().all_delivered(3)


@test
def garbage_from_clients_ends_their_connections_and_nothing_else(t):
    kinds = (("ack: true, metadata: true", socket.SOCK_STREAM), ("type: seqpacket, ack: true, metadata: true", socket.SOCK_SEQPACKET))
    for options, kind in kinds:
        hub = t.start(IN % f"{options}, max_message_size: 1000B")
        dice = random.Random(7)
        for _ in range(150):
            client = connected(t, kind=kind)
            with contextlib.suppress(OSError):
                client.sendall(greeting(metadata=True) if dice.random() < 0.8 else dice.randbytes(12))
                for _ in range(dice.randint(1, 4)):
                    body = struct.pack("<QI", dice.randint(0, 9), dice.choice((0, 4, 9, 1 << 31))) + dice.randbytes(dice.randint(0, 30))
                    body = body[: dice.randint(0, len(body))]
                    client.sendall(body if kind == socket.SOCK_SEQPACKET else struct.pack("<I", len(body)) + body)
            client.close()
        client = connected(t, kind=kind)
        client.sendall(greeting(metadata=True))
        records = Records(client, packets=kind == socket.SOCK_SEQPACKET)
        records.greeting()
        records.send(struct.pack("<QI", 1, 0) + b"sound")
        equal(records.answer(), (b"a", 1, b""))
        pid = hub.pids()[1]
        account = hub.stop()
        account.all_delivered(account.of("in")["accepted"])
        assert b"sound" in t.frames("log") and "went on after" not in hub.stderr(), pid
        shutil.rmtree(t.path("state"))


@test
def a_client_that_sends_without_pause_does_not_starve_another(t):
    hub = t.start(IN % "")
    busy, quiet = connected(t), connected(t)
    stop = threading.Event()

    def flood():
        data = b"".join(struct.pack("<I", 100) + b"b" * 100 for _ in range(1000))
        with contextlib.suppress(OSError):
            while not stop.is_set():
                busy.sendall(data)

    flooding = t.meanwhile(flood)
    until(lambda: t.size("log") > 1_000_000, "it floods")
    for i in range(20):
        Records(quiet).send(b"quiet %d" % i)
        until(lambda: b"quiet %d" % i in t.path("log").read_bytes()[-50_000_000:], "the quiet one is served", 10)
        if t.size("log") > 100_000_000:
            break
    stop.set()
    busy.shutdown(socket.SHUT_RDWR)
    flooding.join()
    account = hub.stop()
    account.all_delivered(account.of("in")["accepted"])


@test
def others_than_allow_users_are_refused_with_a_line(t):
    if os.geteuid() != 0:
        raise Skip("needs root, to be two users")
    t.folder.chmod(0o755)
    hub = t.start(IN % f"allow_users: [nobody], mode: '0666'")
    refused = connected(t)
    equal(refused.recv(10), b"", "refused")
    hub.says(r"in: refused a client at s \(pid \d+, uid 0, gid 0\): neither allow_users nor allow_groups has it")
    code = "import socket; s = socket.socket(socket.AF_UNIX); s.connect('s'); s.sendall(b'\\5\\0\\0\\0hello')"
    shown = process.spawn(["python3", "-c", code], cwd=t.folder, user=process.NOBODY)
    equal(shown.wait(20), 0)
    t.until_logged("log", [b"hello"])
    equal(os.stat(t.path("s")).st_mode & 0o777, 0o666)
    hub.stop().all_delivered(1)


@test
def more_than_max_connections_wait_until_one_leaves(t):
    hub = t.start(IN % "max_connections: 2")
    clients = [connected(t) for _ in range(3)]
    for i, client in enumerate(clients):
        Records(client).send(b"%d" % i)
    hub.says(r"max_connections \(2\) clients are connected to s: others wait until one leaves")
    t.until_logged("log", [b"0", b"1"])
    clients[0].close()
    t.until_logged("log", [b"0", b"1", b"2"])
    hub.stop().all_delivered(3)


# ---- the file


@test
def the_file_of_a_dead_server_is_removed_and_that_of_a_live_one_never(t):
    dead = serving(t)
    dead.close()
    assert t.path("s").exists()
    hub = t.start(IN % "mode: '0640'")
    client = connected(t)
    equal(os.stat(t.path("s")).st_mode & 0o777, 0o640)
    inode = os.stat(t.path("s")).st_ino
    second = t.start((IN % "").replace("data_dir: state", "data_dir: state2").replace("path: log", "path: log2"))
    second.says(r"in: disconnected: another hub serves s: s.lock is locked")
    equal(os.stat(t.path("s")).st_ino, inode)
    Records(client).send(b"one")
    t.until_logged("log", [b"one"])
    hub.stop().all_delivered(1)
    Records(connected(t)).send(b"two")
    t.until_logged("log2", [b"two"])
    second.stop().all_delivered(1)

    live = serving(t)
    hub = t.start(IN % "")
    hub.says(r"in: disconnected: another program serves s: end it, or choose another path")
    accepted(live).close()  # it was only asked whether it lives
    hub.stop().all_delivered(0)
    live.close()
    t.path("s").unlink()


@test
def what_only_a_person_can_mend_is_said_with_the_remedy(t):
    t.path("file").write_text("precious")
    for path, said in (
        ("file", r"in is held: path: file is there and is no socket; remove it or choose another path"),
        ("none/s", r"in is held: cannot serve none/s \(No such file or directory\): its folder must exist"),
    ):
        hub = t.start((IN % "").replace("path: s,", f"path: {path},"))
        hub.says(said)
        hub.stop().all_delivered(0)
    equal(t.path("file").read_text(), "precious")
    server = serving(t, kind=socket.SOCK_SEQPACKET)
    hub = t.start(OUT % "")
    hub.says(r"out is held: type: the server at s has a socket of another type; write type: seqpacket")
    hub.stop().all_delivered(0)
    server.close()
    long = "x" * 120
    for options, said in (
        (f"path: {long}", f"path: '{long}' has 120 bytes, and the path of a socket has at most 107"),
        ("path: s, framing: newline, ack: true", "framing: a line has no room for a sequence"),
        ("path: s, framing: newline, type: seqpacket", "framing: with type: seqpacket a packet is a message"),
        ("path: s, headers: {a: b}", "headers: they travel as metadata; set metadata: true at both ends"),
    ):
        t.path("bad.yaml").write_text((OUT % "").replace("path: s,", options + ","))
        _, err = t.run("check", "bad.yaml", status=78)
        assert said in err, err


@test
def an_abstract_name_works_and_warns(t):
    name = f"@standpipe-test-{os.getpid()}-{random.randrange(1 << 32)}"
    hub = t.start((IN % "").replace("path: s,", f'path: "{name}",'))
    hub.says(r"is an abstract name, which has no permissions: every user of this network namespace can connect")
    Records(connected(t, "\0" + name[1:])).send(b"one")
    t.until_logged("log", [b"one"])
    hub.stop().all_delivered(1)


# ---- what is written about it


@test(seconds=120)
def it_keeps_the_contract_of_plugins(t):
    t.only_uninstrumented()
    server = serving(t, "peer")
    server.listen(4096)
    server.settimeout(None)

    def serve():
        held = []
        with contextlib.suppress(OSError):
            while True:
                held.append(server.accept()[0])
                held = held[-500:]

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with within(t):
        out, err = t.run("plugin", "check", "unix", "--timeout", "30s", "--option", f"path={t.path('peer')}", seconds=100)
    assert b" 0 failed, 0 not run" in out, out.decode() + err


@test
def what_the_readme_shows_is_what_happens(t):
    needs_socat()
    text = (PLUGIN / "README.md").read_text()
    run, send = re.search(r"^```sh\n(.*?)\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL).groups()
    output = re.search(r"^```output\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[1].encode()
    equal(run, "standpipe run plugins/unix/example.yaml &")
    assert "socat -u" in send
    out, _ = t.run("test", PLUGIN / "example.yaml")
    assert b"1 passed, 0 failed" in out, out
    yaml = (PLUGIN / "example.yaml").read_text().replace("/tmp/standpipe-events.sock", "s")
    hub = t.start("data_dir: state\n" + yaml)
    until(lambda: t.path("s").exists(), "it listens")
    subprocess.run(["sh", "-c", send.replace("/tmp/standpipe-events.sock", "s")], cwd=t.folder, check=True)
    until(lambda: hub.stdout() == output, "it is shown")
    hub.stop().all_delivered(2)


@test
def the_receiver_in_the_protocol_works(t):
    code = re.search(r"^```python\n(.*?)^```$", (PLUGIN / "PROTOCOL.md").read_text(), re.MULTILINE | re.DOTALL)[1]
    hub = t.start(OUT % "listen: true, ack: true")
    until(lambda: t.path("s").exists(), "it listens")
    program = process.spawn(["python3", "-u", "-c", code.replace("/tmp/standpipe-orders.sock", "s")], cwd=t.folder, stdout=subprocess.PIPE)
    hub.send("in", [b"one", b"two"])
    equal(program.stdout.readline() + program.stdout.readline(), b"b'one'\nb'two'\n")
    hub.stop().all_delivered(2)
    equal(program.wait(20), 0)
