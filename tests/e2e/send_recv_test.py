# SPDX-License-Identifier: Apache-2.0
"""`standpipe send` and `recv`: frames in and out by hand, safely beside others."""

import json
import os
import random
import signal
import time

from kit import Writer, bytes_waiting, equal, frame, frames_in, stream, test, until
from kit.timing import SLOW
from journey_test import EVERY_BYTE, FORWARD, LOG


def kept_open(path):
    """A FIFO that somebody has open, so that what is in it stays there."""
    os.mkfifo(path)
    return os.open(path, os.O_RDWR)


def finish(command, status=0, seconds=60):
    """Its standard output and error, when it ends by itself."""
    out, err = command.communicate(timeout=seconds * SLOW)
    equal(command.returncode, status, f"exit status of {command.args[1:4]}: {err.decode()}")
    return out, err.decode()


# ---- send


@test
def words_lines_and_files_are_messages(t):
    hub = t.start(LOG)
    t.path("file").write_bytes(EVERY_BYTE)
    equal(t.run("send", "in", "one", "two words", "")[1], "sent 3 messages, 12 bytes\n")
    equal(t.run("send", "in", input=b"line 1\n\nline 3\nno newline")[1], "sent 4 messages, 22 bytes\n")
    equal(t.run("send", "in", "--file", "file")[1], "sent 1 message, 256 bytes\n")
    equal(t.run("send", "in", "--file", "-", input=b"a\nb\n")[1], "sent 1 message, 4 bytes\n")
    equal(t.run("send", "in", "again", "--count", "3")[1], "sent 3 messages, 15 bytes\n")
    equal(t.run("send", "in", "--quiet", "hush"), (b"", ""))
    hub.stop().all_delivered(13)
    expected = [b"one", b"two words", b"", b"line 1", b"", b"line 3", b"no newline", EVERY_BYTE, b"a\nb\n"]
    equal(t.frames("out"), expected + [b"again"] * 3 + [b"hush"])


@test(seconds=180)
def eight_senders_of_mixed_sizes_never_corrupt_one_fifo(t):
    hub = t.start(LOG)
    each = 400 if t.full_scale() else 60
    sent = {s: mixed(s, each) for s in range(8)}
    commands = []
    for s, messages in sent.items():
        t.path(f"input{s}").write_bytes(b"".join(m + b"\n" for m in messages))
        commands.append(t.standpipe("send", "in", stdin=t.path(f"input{s}").open("rb")))
    for command in commands:
        finish(command, seconds=120)
    hub.stop().all_delivered(8 * each)
    got = t.frames("out")
    for s, messages in sent.items():
        equal([m for m in got if m.startswith(b"%d " % s)], [m for m in messages if m], f"messages of sender {s}")
    equal(got.count(b""), sum(m.count(b"") for m in sent.values()))


def mixed(sender, count):
    """Most are small, some are empty, some are longer than a pipe."""
    chance = random.Random(sender)
    messages = []
    for i in range(count):
        size = chance.choice([0, chance.randint(10, 100), chance.randint(4000, 4200), chance.randint(10, 300 * 1024)])
        messages.append((b"%d %d " % (sender, i)).ljust(size, b"0123456789"[sender : sender + 1]) if size else b"")
    return messages


@test
def without_a_reader_send_says_so(t):
    os.mkfifo(t.path("in"))
    _, err = t.run("send", "in", "x", status=1)
    assert "nobody reads in" in err and "is the hub running?" in err, err


@test
def a_missing_fifo_is_not_made_by_send(t):
    _, err = t.run("send", "nothing", "x", status=1)
    assert "nothing does not exist" in err and not t.path("nothing").exists(), err


@test
def a_regular_file_is_not_written_to(t):
    t.path("in").write_text("precious")
    _, err = t.run("send", "in", "x", status=1)
    assert "in is a regular file, not a FIFO" in err and "mv it away" in err, err
    equal(t.path("in").read_text(), "precious")


@test
def send_waits_for_room_and_gives_up_after_its_timeout(t):
    fd = kept_open(t.path("in"))
    os.set_blocking(fd, False)
    while True:
        try:
            os.write(fd, bytes(4096))
        except BlockingIOError:
            break
    _, err = t.run("send", "in", "x", "--timeout", "200ms", status=1)
    assert "no room in in: its reader takes nothing" in err and "0 messages were sent whole" in err, err
    waiting = t.standpipe("send", "in", "x")
    os.read(fd, 65536)
    equal(finish(waiting)[1], "sent 1 message, 1 byte\n")


@test
def send_with_a_timeout_waits_for_a_hub_that_starts(t):
    for there in ("nothing", "a FIFO that nobody reads"):
        waiting = t.standpipe("send", "in", "x", "--timeout", "20s")
        time.sleep(0.1)  # so that it has looked at least once; if not, the test shows less, but does not fail
        assert waiting.poll() is None, finish(waiting)
        if there == "nothing":
            os.mkfifo(t.path("in"))
        reader = os.open(t.path("in"), os.O_RDONLY | os.O_NONBLOCK)
        equal(finish(waiting)[1], "sent 1 message, 1 byte\n", there)
        os.close(reader)
    began = time.monotonic()
    _, err = t.run("send", "in", "x", "--timeout", "300ms", status=1)
    assert "nobody reads in" in err and time.monotonic() - began >= 0.3, err


@test
def a_large_message_to_a_slow_reader_arrives_whole(t):
    fd = kept_open(t.path("in"))
    t.path("file").write_bytes(EVERY_BYTE * 2000)
    sending, data = t.standpipe("send", "in", "--file", "file"), b""
    while len(data) < 4 + 512_000:
        data += os.read(fd, 5000)
    finish(sending)
    equal(frames_in(data), [EVERY_BYTE * 2000])


@test
def SIGINT_ends_send_between_two_frames(t):
    fd = kept_open(t.path("in"))
    sending = t.standpipe("send", "in", "x" * 5000, "--count", "1000000")
    until(lambda: bytes_waiting(fd) > 50_000, "the FIFO is full")
    sending.send_signal(signal.SIGINT)
    data = b""
    while sending.poll() is None or bytes_waiting(fd):
        if bytes_waiting(fd):
            data += os.read(fd, 65536)
    _, err = finish(sending, status=1)
    sent = len(frames_in(data))
    assert f"interrupted: sent {sent} message" in err, err


@test
def a_rate_is_kept(t):
    hub, began = t.start(LOG), time.monotonic()
    t.run("send", "in", "tick", "--count", "20", "--rate", "50/s")
    assert 0.3 < time.monotonic() - began < 5 * SLOW
    hub.stop().all_delivered(20)


@test
def what_is_too_large_is_refused_before_anything_is_sent(t):
    hub = t.start(LOG)
    _, err = t.run("send", "in", "fits", "does not", "--max-message-size", "5B", status=1)
    assert "message 2 has 8 bytes, the limit is 5; nothing was sent" in err, err
    hub.stop().all_delivered(0)


# ---- recv


@test
def recv_prints_what_the_hub_forwards(t):
    hub = t.start(FORWARD)
    receiving = t.standpipe("recv", "next", "--count", "3")
    t.run("send", "in", "one", "", "three")
    equal(finish(receiving)[0], b"one\n\nthree\n")
    hub.stop().all_delivered(3)


@test
def recv_makes_the_fifo_and_waits_for_writers(t):
    receiving = t.standpipe("recv", "work", "--count", "2", "--format", "raw")
    until(lambda: t.path("work").exists(), "the FIFO is made")
    for message in (b"one", EVERY_BYTE):
        writer = Writer(t.path("work"))
        writer.send(message)
        writer.close()
    equal(finish(receiving)[0], b"one" + EVERY_BYTE)


@test
def recv_shows_messages_as_json_and_hex(t):
    fd = kept_open(t.path("work"))
    os.write(fd, stream([b'say "hi"', EVERY_BYTE, b"AB\n"]))
    out, _ = t.run("recv", "work", "--count", "2", "--json")
    first, second = (json.loads(line) for line in out.splitlines())
    equal((first, second["size"]), ({"size": 8, "text": 'say "hi"'}, 256))
    out, _ = t.run("recv", "work", "--count", "1", "--format", "hex")
    assert b"3 bytes" in out and b"41 42 0a" in out, out


@test
def recv_with_a_count_leaves_the_rest_in_the_fifo(t):
    fd = kept_open(t.path("work"))
    os.write(fd, stream([b"1", b"2", b"3", b"4", b"5"]))
    equal(t.run("recv", "work", "--count", "2")[0], b"1\n2\n")
    equal(t.run("recv", "work", "--count", "3")[0], b"3\n4\n5\n")
    equal(bytes_waiting(fd), 0)


@test
def recv_after_recv_gets_everything_that_a_hub_forwards(t):
    hub = t.start(FORWARD)
    hub.send("in", [b"%d" % i for i in range(50)])
    for i in range(0, 50, 10):
        equal(t.run("recv", "next", "--count", "10")[0], b"".join(b"%d\n" % j for j in range(i, i + 10)))
        hub.until_asleep()
    hub.stop().all_delivered(50)


@test(seconds=120)
def eight_shared_receivers_get_each_message_once(t):
    hub = t.start(FORWARD)
    outputs = [t.path(f"worker{w}") for w in range(8)]
    workers = [t.standpipe("recv", "next", "--shared", "--json", stdout=o.open("wb")) for o in outputs]
    messages = [b"%d" % i + b"." * (i * 97 % 9000) for i in range(3000)] + [b"%d" % i + b"x" * 200_000 for i in range(20)]
    hub.send("in", messages)
    until(lambda: sum(o.read_bytes().count(b"\n") for o in outputs) >= len(messages), "all have come out", 60)
    for worker in workers:
        worker.send_signal(signal.SIGINT)
        finish(worker)
    shares = [[json.loads(line)["text"].encode() for line in o.read_bytes().splitlines()] for o in outputs]
    equal(sorted(m for share in shares for m in share), sorted(messages))
    assert sum(1 for share in shares if share) > 1, "one worker did everything"
    hub.stop().all_delivered(len(messages))


@test
def recv_ends_after_its_timeout(t):
    fd = kept_open(t.path("work"))
    out, err = t.run("recv", "work", "--timeout", "100ms")
    assert out == b"" and "no message came for 100ms" in err, err
    os.write(fd, stream([b"only"]))
    out, err = t.run("recv", "work", "--timeout", "100ms", "--count", "2", status=1)
    assert out == b"only\n" and "got 1 of 2" in err, err


@test
def SIGINT_ends_recv_and_what_it_took_is_printed(t):
    fd = kept_open(t.path("work"))
    receiving = t.standpipe("recv", "work")
    os.write(fd, stream([b"one", b"two"]))
    until(lambda: bytes_waiting(fd) == 0, "it has taken both")
    receiving.send_signal(signal.SIGINT)
    equal(finish(receiving)[0], b"one\ntwo\n")


@test
def a_recv_that_is_killed_loses_what_its_commands_had_and_nothing_else(t):
    fd = kept_open(t.path("work"))
    os.write(fd, stream([b"%d" % i for i in range(7)]))
    t.path("slow").write_text("#!/bin/sh\ntouch begun-$1\nuntil [ -e enough ]; do sleep 0.05; done\n")
    t.path("slow").chmod(0o700)
    receiving = t.standpipe("recv", "work", "--exec", "./slow {}", "--workers", "3")
    until(lambda: len(list(t.path(".").glob("begun-*"))) == 3, "all its workers are busy")
    receiving.kill()
    receiving.communicate(timeout=60)
    t.path("enough").touch()
    equal(sorted(p.name for p in t.path(".").glob("begun-*")), ["begun-0", "begun-1", "begun-2"])
    equal(t.run("recv", "work", "--shared", "--timeout", "100ms")[0], b"3\n4\n5\n6\n")
    equal(bytes_waiting(fd), 0)


@test
def recv_says_what_is_no_frame(t):
    fd = kept_open(t.path("work"))
    os.write(fd, b"hello\n")
    _, err = t.run("recv", "work", status=1)
    assert 'a frame claims 1,819,043,176 bytes' in err and 'its length is the text "hell"' in err, err


@test
def recv_reports_a_truncated_frame_and_continues(t):
    receiving = t.standpipe("recv", "work", "--count", "1")
    until(lambda: t.path("work").exists(), "the FIFO is made")
    until(lambda: can_open(t.path("work")), "recv has it open")
    writer = Writer(t.path("work"))
    writer.write_seen(frame(b"whole, but not all of it comes")[:9])
    writer.close()
    while b"truncated: its writer left after 9 bytes of 34" not in (line := receiving.stderr.readline()):
        assert line, "it ended without saying so"
    writer = Writer(t.path("work"))
    writer.send(b"next")
    writer.close()
    equal(finish(receiving)[0], b"next\n")


def can_open(path):
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
        return True
    except OSError:
        return False


# ---- wrong usage


@test
def what_is_mistyped_gets_a_suggestion_and_status_2(t):
    for words, expected in ((["sned", "in"], "send"), (["send", "in", "x", "--cuont", "3"], "--count"), (["recv"], "FIFO")):
        _, err = t.run(*words, status=2)
        assert expected in err, err


@test
def every_command_has_a_page_with_an_example(t):
    pages = ["run", "check", "send", "recv", "stats", "plugin list", "plugin show", "demo"]
    listed, _ = t.run("help")
    for page in pages:
        out, err = t.run(*page.split(), "--help")
        assert f"standpipe {page}" in out.decode() and err == "", page
        assert page.encode() in listed, f"'{page}' is not in the list"


@test
def plugins_are_listed_and_shown_with_their_options(t):
    out, _ = t.run("plugin", "list")
    for name in (b"forward", b"log", b"print", b"recording", b"reply"):
        assert name in out, f"{name} is not in\n{out.decode()}"
    out, _ = t.run("plugin", "show", "log")
    for option in (b"path", b"format", b"rotate_size", b"keep", b"sync"):
        assert option in out, f"{option} is not in\n{out.decode()}"
    _, err = t.run("plugin", "show", "lgo", status=1)
    assert "unknown plugin 'lgo'" in err, err
