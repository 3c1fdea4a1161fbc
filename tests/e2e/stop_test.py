# SPDX-License-Identifier: Apache-2.0
"""SIGTERM and SIGINT: what was accepted is delivered within drain_timeout, what was not is saved, the account is the end."""

import re
import signal
import time

from kit import bytes_waiting, equal, frame, frames_in, stream, test, until
from kit.timing import SLOW
from journey_test import FORWARD, LOG

SLOW_HANDLER = """
drain_timeout: 60s
sources: {in: {fifo: in, log: {max_size: 16KiB}}}
handlers:
  out: {plugin: log, options: {path: out, format: frames}}
  slow: {plugin: slow, options: {delay: 5ms}}
routes: [{from: in, to: [out, slow]}]
"""


def timed(function, *arguments):
    began = time.monotonic()
    result = function(*arguments)
    return result, time.monotonic() - began


@test(seconds=120)
def what_waits_in_the_fifo_at_SIGTERM_is_delivered(t):
    stopped_with_a_full_fifo(t, signal.SIGTERM)


@test(seconds=120)
def SIGINT_stops_like_SIGTERM(t):
    stopped_with_a_full_fifo(t, signal.SIGINT)


def stopped_with_a_full_fifo(t, signal_number):
    hub, writer = t.start(SLOW_HANDLER), t.writer("in")
    messages = [b"%04d" % i + bytes(1000) for i in range(400)]
    writer.send(*messages)
    assert bytes_waiting(writer.fd) > 30_000
    hub.stop(signal_number, seconds=60).all_delivered(len(messages))
    equal(t.frames("out"), messages)


@test
def a_writer_that_never_stops_does_not_keep_the_hub(t):
    hub = t.start(LOG)
    writing = t.meanwhile(write_until_it_breaks, t, "in")
    until(lambda: t.size("out"), "something is logged")
    account, took = timed(hub.stop)
    assert took < 5 * SLOW, f"took {took:.1f} s"
    written = writing.join()
    out = account.of("in -> out")
    equal((account.of("in")["accepted"], account.of("in")["bad_frame"]), (written, 0))
    equal(out["delivered"] + out["in_flight"], written)
    equal(t.frames("out"), [b"%d" % i for i in range(out["delivered"])])


def write_until_it_breaks(t, fifo):
    writer, count = t.writer(fifo), 0
    try:
        while True:
            writer.send(b"%d" % count)
            count += 1
    except BrokenPipeError:
        return count


@test
def without_a_reader_the_hub_ends_in_time_and_says_what_it_saves(t):
    hub = t.start("drain_timeout: 500ms\n" + FORWARD)
    hub.send("in", [b"%d" % i for i in range(100)])
    account, took = timed(hub.stop)
    assert 0.5 <= took < 2.5 * SLOW, f"took {took:.1f} s"
    account.says("in", accepted=100).says("in -> next", in_flight=100)
    assert re.search("in -> next: 100 messages wait in .*/spill/in-1.log for the next start", hub.stderr())
    assert "in flight 100 (100 saved for the next start)" in hub.stderr()


@test
def without_a_place_to_save_it_what_is_left_is_dropped_and_reported(t):
    t.path("standpipe").write_text("a file where the folder would be")
    hub = t.start("drain_timeout: 100ms\n" + FORWARD)
    hub.says("warning.*cannot be used, so no message can be dead-lettered, or saved when the hub stops")
    hub.send("in", [b"%d" % i for i in range(100)])
    hub.stop(status=1).says("in", accepted=100).says("in -> next", dropped={"shutdown": 100})
    assert "in -> next: 100 messages could not be delivered in time and are dropped (shutdown)" in hub.stderr()


@test
def what_lies_in_a_living_readers_pipe_is_delivered_and_the_rest_is_saved(t):
    hub = t.start("drain_timeout: 300ms\n" + FORWARD)
    reader = t.reader("next")
    messages = t.writer("in").fill()
    account = hub.stop()
    accepted, delivered = account.of("in")["accepted"], account.of("in -> next")["delivered"]
    assert 0 < delivered < accepted == len(messages)
    account.says("in -> next", delivered=delivered, in_flight=accepted - delivered)
    got, _ = frames_in(reader.read_to_end(), incomplete=True)
    equal(got, messages[:delivered])


@test
def what_waits_in_a_full_fifo_is_saved_too_and_comes_first_in_the_next_hub(t):
    writer, waiting = None, []
    for _ in range(4):
        hub = t.start("data_dir: state\ndrain_timeout: 100ms\n" + FORWARD)
        writer = writer or t.writer("in")  # stays, so that the FIFO would keep what is in it
        waiting += writer.fill()
        account = hub.stop()
        equal(account.of("in -> next")["in_flight"], account.of("in")["accepted"])
    last = t.start("data_dir: state\n" + FORWARD)
    equal(t.reader("next").take(len(waiting)), waiting)
    writer.close()
    last.stop().all_delivered(len(waiting))


@test
def a_reader_that_still_reads_gets_all(t):
    hub = t.start(FORWARD)
    reader = t.reader("next")
    messages = t.writer("in").fill()
    reading = t.meanwhile(reader.take, len(messages))
    hub.stop().all_delivered(len(messages))
    equal(reading.join(), messages)


@test
def a_reader_that_died_leaves_its_frames_to_the_account(t):
    hub = t.start("drain_timeout: 300ms\n" + FORWARD)
    reader = t.reader("next")
    hub.send("in", [b"one", b"two", b"three"])
    until(lambda: bytes_waiting(reader.fd) == len(stream([b"one", b"two", b"three"])), "all are in the pipe")
    equal(frames_in(reader.read_some(7)), [b"one"])
    reader.close()
    account, took = timed(hub.stop)
    assert took < 2.3 * SLOW, f"took {took:.1f} s"
    account.says("in", accepted=3).says("in -> next", delivered=1, in_flight=2)


@test
def a_second_signal_ends_the_hub_at_once(t):
    hub = t.start("drain_timeout: 60s\n" + FORWARD)
    hub.send("in", [b"one"])
    hub.process.send_signal(signal.SIGTERM)
    hub.says("stopping: what was written until now is delivered, for at most 1m")
    time.sleep(0.2)  # two in the same moment are one
    account, took = timed(hub.stop)
    assert took < 3 * SLOW, f"took {took:.1f} s"
    account.says("in", accepted=1).says("in -> next", in_flight=1)
    assert "asked to stop a second time: the hub stops waiting" in hub.stderr()


@test
def the_account_is_the_last_that_is_reported(t):
    hub = t.start("""
sources: {in: {fifo: in}, idle: {fifo: idle}}
handlers:
  out: {plugin: log, options: {path: out, format: frames}}
  some: {plugin: rejecting, options: {every: 2}}
routes: [{from: [in, idle], to: out}, {from: in, match: {text: {prefix: a}}, to: some}]
""")
    hub.send("in", [b"a1", b"a2", b"b"])
    account = hub.stop().says("in", accepted=3).says("in -> out", delivered=3)
    account.says("in -> some", delivered=1, dead_lettered=1)
    last = hub.stderr().partition("account closes: ")[2].splitlines()
    equal(last[0], "5 = delivered 4 + filtered or dropped 0 + dead-lettered 1 + in flight 0")
    equal(
        [re.sub(r"  +", "  ", line) for line in last[1:]],
        [
            "  in  accepted 3 = matched 3 + unmatched 0",
            "  idle  accepted 0 = matched 0 + unmatched 0",
            "  in -> out  matched 3 = delivered 3",
            "  idle -> out  matched 0 = delivered 0",
            "  in -> some  matched 2 = delivered 1 + dead-lettered 1 (1 rejected)",
        ],
    )


@test
def a_frame_that_is_not_whole_at_the_stop_is_counted_as_cut_short(t):
    hub = t.start("drain_timeout: 300ms\n" + LOG)
    writer = t.writer("in")
    writer.write_seen(frame(b"whole") + frame(b"not whole")[:6])
    account = hub.stop().says("in", accepted=1, truncated=1, discarded_bytes=6)
    account.says("in -> out", delivered=1)
    assert "in: the hub stopped inside a frame: 6 bytes" in hub.stderr()


@test
def a_hub_that_never_got_a_message_ends_at_once(t):
    account, took = timed(t.start(LOG).stop)
    account.all_delivered(0)
    assert took < 1 * SLOW, f"took {took:.1f} s"


@test
def the_next_hub_finds_the_fifos_of_the_last_one(t):
    for message in (b"one", b"two", b"three"):
        hub = t.start(LOG)
        hub.send("in", [message])
        hub.stop().all_delivered(1)
    equal(t.frames("out"), [b"one", b"two", b"three"])


@test
def SIGHUP_does_not_end_the_hub(t):
    hub = t.start(LOG)
    hub.process.send_signal(signal.SIGHUP)
    hub.says("reloaded in .* nothing in it has changed")
    hub.send("in", [b"one"])
    hub.stop().all_delivered(1)


@test
def a_hub_that_is_stopped_before_its_handlers_have_opened_never_says_that_it_is_ready(t):
    hub = t.hub(
        """
data_dir: state
sources: {in: {fifo: in}}
handlers: {late: {plugin: slow, options: {open: 60s}}}
routes: [{from: in, to: late}]
"""
    )
    hub.launch()
    hub.says("created")
    hub.process.terminate()
    hub.says("stopping: ")
    time.sleep(0.2)  # two at the same time are one
    hub.process.terminate()
    hub.wait()
    assert "ready in" not in hub.stderr(), hub.stderr()
