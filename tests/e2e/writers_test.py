# SPDX-License-Identifier: Apache-2.0
"""Writers come, go, come again, die inside a frame, and write what is no frame."""

import os
import re
import struct
import subprocess
import sys

from kit import equal, frame, process, stream, test, until
from journey_test import LOG


@test
def writers_come_and_go_200_times_without_a_byte_missing(t):
    hub = t.start(LOG)
    messages = [b"visit %d" % i for i in range(200)]
    for m in messages:
        hub.send("in", [m])
    hub.stop().all_delivered(200)
    equal(t.frames("out"), messages)


@test
def writers_that_are_seen_to_go_200_times_leave_a_hub_that_sleeps(t):
    hub = t.start(LOG)
    for i in range(200):
        writer = t.writer("in")
        writer.write_seen(frame(b"visit %d" % i))
        writer.close()
    t.writer("in").close()
    assert process.is_instrumented() or until(lambda: hub.sleeps_for(0.2), "the hub sleeps", 10)
    hub.stop().all_delivered(200)


@test
def a_writer_killed_inside_a_frame_is_reported_and_the_next_one_is_fine(t):
    hub = t.start(LOG)
    hub.send("in", [b"whole"])
    kill_writer_inside_a_frame(t, "in", stream([b"also whole"]) + frame(b"y" * 100)[:24])
    hub.says(r"warning.*in: a frame was truncated: its writer left after 24 bytes of 104")
    hub.says(r"at offset 23 of .*/in: 64 00 00 00 79")
    hub.send("in", [b"next"])
    account = hub.stop().says("in", accepted=3, truncated=1, discarded_bytes=24)
    account.says("in -> out", delivered=3)
    equal(t.frames("out"), [b"whole", b"also whole", b"next"])


@test
def a_writer_killed_inside_a_header_is_reported_too(t):
    hub = t.start(LOG)
    kill_writer_inside_a_frame(t, "in", b"\x05\0")
    hub.says(r"truncated: its writer left after 2 bytes of ")
    hub.send("in", [b"next"])
    hub.stop().says("in", accepted=1, truncated=1, discarded_bytes=2).says("in -> out", delivered=1)


@test
def a_torn_frame_shows_only_when_the_other_writer_has_gone_too(t):
    hub = t.start(LOG)
    stays = t.writer("in")
    stays.send(b"one")
    kill_writer_inside_a_frame(t, "in", frame(b"z" * 50)[:14])
    stays.wait_seen()
    assert "truncated" not in hub.stderr()
    stays.close()
    hub.says("truncated: its writer left after 14 bytes of 54")
    hub.send("in", [b"two"])
    hub.stop().says("in", accepted=2, truncated=1, discarded_bytes=14).says("in -> out", delivered=2)
    equal(t.frames("out"), [b"one", b"two"])


@test
def plain_text_gets_a_hint_and_poisons_nothing(t):
    hub = t.start(LOG)
    subprocess.run(["sh", "-c", 'echo hello > "$1"', "sh", t.path("in")], check=True)
    hub.says(r"error.*in: a frame claims 1,819,043,176 bytes \(limit 16,777,216\)")
    hub.says(r'its length is the text "hell": a writer sends plain text, not frames')
    hub.says(r"help: use `standpipe send`")
    hub.says(r"in: its writers have gone; 6 bytes discarded, listening again")
    hub.send("in", [b"a frame"])
    hub.stop().says("in", accepted=1, bad_frame=1, discarded_bytes=6).says("in -> out", delivered=1)
    equal(t.frames("out"), [b"a frame"])


@test
def a_stray_print_of_a_writer_that_stays_is_reported_and_stats_shows_what_it_costs(t):
    hub = t.start(LOG)
    writer = t.writer("in")
    writer.write_seen(frame(b"good") + b"debug: queue len 4\n" + frame(b"lost"))
    hub.says('its length is the text "debu": a writer prints text between its frames, or several write at once')
    until(lambda: hub.stats()["source_states"]["in"]["state"] == "discarding", "stats says that it discards")
    state = hub.stats()["source_states"]["in"]
    equal(state["discarded_bytes"], 19 + len(frame(b"lost")))
    out, _ = t.run("stats", "--account", "--control", hub.control)
    discards = r"  source in is discarding since \d\d:\d\d:\d\d: all that comes is thrown away .* 27 bytes so far; it ends when all its writers"
    assert re.search(discards, out.decode()), out.decode()
    writer.close()
    hub.says("its writers have gone; 27 bytes discarded")
    until(lambda: hub.stats()["source_states"]["in"]["state"] != "discarding", "it listens again")
    hub.stop().says("in", accepted=1, bad_frame=1, discarded_bytes=27).says("in -> out", delivered=1)


@test
def lengths_in_the_other_byte_order_get_a_hint(t):
    hub = t.start(LOG)
    writer = t.writer("in")
    writer.write_seen(struct.pack(">I", 8) + b"x" * 8)
    hub.says(r"note: in the other byte order \(big endian\) its length is 8, which is within the limit")
    hub.says("help: write lengths as 4 bytes, little endian")
    writer.close()
    hub.says("listening again")
    hub.stop().says("in", accepted=0, bad_frame=1, discarded_bytes=12).says("in -> out", delivered=0)


@test
def nothing_is_believed_until_all_writers_of_nonsense_have_gone(t):
    hub = t.start(LOG)
    writer, other = t.writer("in"), t.writer("in")
    writer.write_seen(frame(b"good") + b"hello, world")
    hub.says("a frame claims")
    writer.close()
    other.write_seen(frame(b"looks good"))
    other.close()
    hub.says("its writers have gone; 26 bytes discarded")
    hub.send("in", [b"next"])
    hub.stop().says("in", accepted=2, bad_frame=1, discarded_bytes=26).says("in -> out", delivered=2)
    equal(t.frames("out"), [b"good", b"next"])


@test
def a_length_of_4_GiB_less_one_is_refused_and_discarded(t):
    hub = t.start(LOG)
    writer = t.writer("in")
    writer.write_seen(struct.pack("<I", 0xFFFFFFFF) + bytes(3_000_000))
    hub.says(r"a frame claims 4,294,967,295 bytes \(limit 16,777,216\)")
    hub.says(r"ff ff ff ff 00")
    writer.close()
    hub.says("its writers have gone; 3,000,004 bytes discarded")
    hub.send("in", [b"next"])
    hub.stop().says("in", accepted=1, bad_frame=1, discarded_bytes=3_000_004).says("in -> out", delivered=1)


@test
def many_faults_are_counted_though_not_all_are_reported(t):
    hub = t.start(LOG)
    sent = 0
    for i in range(60):
        writer = t.writer("in")
        writer.write_seen(b"nonsense")
        writer.close()
        sent += send_until_it_arrives(t, hub, b"sound %02d" % i)
    account = hub.stop()
    assert hub.stderr().count("a frame claims") < 60
    arrived = len(t.frames("out"))
    discarded = 60 * len(b"nonsense") + (sent - arrived) * len(frame(b"sound 00"))
    account.says("in", accepted=arrived, bad_frame=60, discarded_bytes=discarded).says("in -> out", delivered=arrived)


def send_until_it_arrives(t, hub, message):
    """The hub listens again once it has seen that the last writer has gone; what is written earlier is discarded. Returns how often."""
    sent = 0
    while message not in t.frames("out"):
        hub.send("in", [message])
        sent += 1
    return sent


KILLED = """
import os, sys
os.write(os.open(sys.argv[1], os.O_WRONLY), bytes.fromhex(sys.argv[2]))
print(flush=True)
input()
"""


def kill_writer_inside_a_frame(t, fifo, data):
    child = process.spawn(
        [sys.executable, "-c", KILLED, t.path(fifo), data.hex()], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout.read(1)
    child.kill()
    child.wait()
    assert os.path.exists(t.path(fifo))
