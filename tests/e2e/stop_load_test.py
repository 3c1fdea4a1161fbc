# SPDX-License-Identifier: Apache-2.0
"""Stops while writers are at it: what a writer was told to be written is delivered, by this hub or the next one, and once."""

import os
import re
import signal
import stat
import struct
import time

from kit import equal, frame, frames_in, process, test, until
from journey_test import FORWARD, LOG
from sources_test import needs_root, open_to_anyone

STATE = "data_dir: state\n"


class Sender:
    """A writer that continues over many hubs. `sent` is what it was told to be written, wholly."""

    def __init__(self, t, fifo, number, size=40, each=False, pause=0.0):
        self.path, self.number, self.size, self.each, self.pause = t.path(fifo), number, size, each, pause
        self.sent, self.refused, self.fd, self.ends = 0, 0, None, False
        self.thread = t.meanwhile(self._run)

    def end(self):
        self.ends = True
        self.thread.join()

    def _run(self):
        while not self.ends:
            if self.pause:
                time.sleep(self.pause)
            try:
                if self.fd is None:
                    self.fd = os.open(self.path, os.O_WRONLY)  # waits for a hub
                self._write(frame(b"%d %d " % (self.number, self.sent) + b"." * self.size))
                self.sent += 1
            except BrokenPipeError:
                self.refused += 1
                self._close()
            if self.each:
                self._close()
        self._close()

    def _write(self, data):
        view = memoryview(data)
        while view:
            view = view[os.write(self.fd, view) :]

    def _close(self):
        if self.fd is not None:
            os.close(self.fd)
        self.fd = None


def in_order(messages, senders):
    """Each sender's messages are all there, in its order, and once."""
    for s in senders:
        mine = [m.split(b" ", 2)[1] for m in messages if m.startswith(b"%d " % s.number)]
        equal(mine, [b"%d" % i for i in range(s.sent)], f"of sender {s.number}, who was refused {s.refused} times")


def stopped_under_load(t, hub, sender, times, messages):
    """Stops hub after hub while that sender is at it, each time after so many messages. Returns the last one, which runs."""
    for _ in range(times):
        before = sender.sent
        until(lambda: sender.sent > before + messages, "it is under load")
        account = hub.stop()
        equal(account.of("in")["bad_frame"], 0)
        account.of("in -> out")
        hub = t.start(STATE + LOG)
    return hub


@test(seconds=120)
def what_is_sent_while_the_hub_stops_is_delivered_or_saved_or_refused_exactly(t):
    hub = t.start(STATE + LOG)
    senders = [
        Sender(t, "in", 0, pause=0.0005),
        Sender(t, "in", 1, each=True, pause=0.0005),
        Sender(t, "in", 2, size=900, pause=0.002),
        Sender(t, "in", 3, each=True, pause=0.01),
    ]
    hub = stopped_under_load(t, hub, senders[0], times=10, messages=50)
    for s in senders:
        s.end()
    last = hub.stop()
    equal((last.of("in -> out")["in_flight"], last.of("in")["bad_frame"]), (0, 0))
    in_order(t.frames("out"), senders)
    assert sum(s.sent for s in senders) > 500


@test(seconds=120)
def a_flood_of_large_frames_is_cut_where_its_writer_sees_it(t):
    t.only_uninstrumented()  # a writer that is much quicker than the hub refills the FIFO before it is sealed: said, and status 1
    hub = t.start(STATE + LOG)
    senders = [Sender(t, "in", 0, size=200_000)]
    hub = stopped_under_load(t, hub, senders[0], times=4, messages=5)
    senders[0].end()
    hub.stop().of("in"), hub.account.of("in -> out")
    in_order(t.frames("out"), senders)


@test(seconds=120)
def with_memory_short_what_writers_left_who_have_gone_is_saved_too(t):
    yaml = STATE + "memory_max: 1MiB\ndrain_timeout: 200ms\n" + FORWARD.replace(
        "{fifo: in}", "{fifo: in, framing: {max_message_size: 64KiB}, log: {max_size: 1MiB}}")
    hub = t.start(yaml)
    writer = t.writer("in")
    messages = writer.fill()
    writer.close()
    account = hub.stop()
    equal((account.of("in")["accepted"], account.of("in -> next")["in_flight"]), (len(messages), len(messages)))
    again = t.start(yaml)
    equal(t.reader("next").take(len(messages)), messages)
    again.stop().all_delivered(len(messages))


def has_ended(sender, reader):
    """Reads what it still writes."""
    try:
        os.read(reader, 1 << 20)
    except BlockingIOError:
        pass
    return not sender.thread.is_alive()


@test(seconds=120)
def what_a_stop_must_leave_in_a_fifo_that_it_cannot_seal_is_reported_and_makes_it_fail(t):
    needs_root()
    open_to_anyone(t)
    os.mkfifo(t.path("in"))
    t.path("in").chmod(0o644)  # the hub's user may read it, and not write to it
    hub = t.hub(LOG, user=process.NOBODY).start()
    sender = Sender(t, "in", 0, size=60_000)
    until(lambda: sender.sent > 50, "it is under load")
    account = hub.stop(status=1)
    sender.ends = True
    reader = os.open(t.path("in"), os.O_RDONLY | os.O_NONBLOCK)  # it may wait for one, or for room
    until(lambda: has_ended(sender, reader), "the sender ends")
    os.close(reader)
    account.of("in"), account.of("in -> out")
    assert re.search(r"in: [\d,]+ bytes in its FIFO cannot be taken and are lost when its writers leave", hub.stderr()), hub.stderr()


CHAIN = STATE + """
drain_timeout: 500ms
sources: {a: {fifo: a, log: {max_size: 16KiB}}, b: {fifo: b, log: {max_size: 16KiB}}}
handlers:
  to_b: {plugin: forward, allow_loop: true, options: {fifo: b}}
  to_out: {plugin: forward, options: {fifo: out}}
routes: [{from: a, to: to_b}, {from: b, to: to_out}]
"""


@test(seconds=120)
def a_chain_inside_one_hub_loses_nothing_at_stops_under_backlog(t):
    messages = [b"%05d" % i + b"." * 50 for i in range(4000)]
    hub, got = t.start(CHAIN), []
    hub.says("is the FIFO of source b")
    sending = t.meanwhile(hub.send, "a", messages[:2500])
    reader = t.reader("out")
    got += reader.take(300)
    sending.join()
    for part in range(5):
        sending = t.meanwhile(hub.send, "a", messages[2500 + part * 300 : 2800 + part * 300])
        sending.join()
        hub.stop()
        [hub.account.of(name) for name in hub.account.parts]
        got += frames_in(bytes(reader._held) + reader.read_to_end(), incomplete=True)[0]
        reader.close()
        hub = t.start(CHAIN)
        reader = t.reader("out")
        got += reader.take(100)
    got += reader.take(4000 - len(got))
    equal(got, messages)
    hub.stop()
    [hub.account.of(name) for name in hub.account.parts]


@test
def a_chain_is_drained_to_its_end(t):
    messages = [b"%05d" % i + b"." * 50 for i in range(3000)]
    hub = t.start(CHAIN.replace("drain_timeout: 500ms\n", ""))
    reader = t.reader("out")
    reading = t.meanwhile(reader.take, 3000)
    hub.send("a", messages)
    hub.stop().all_delivered(3000, 3000)
    equal(reading.join(), messages)


# ---- the door


@test
def from_the_beginning_of_a_stop_the_FIFO_is_closed_to_new_writers_and_afterwards_as_it_was(t):
    hub = t.start(STATE + "drain_timeout: 2s\n" + FORWARD)
    os.chmod(t.path("in"), 0o622)
    hub.send("in", [b"one"])
    hub.process.send_signal(signal.SIGTERM)
    hub.says("stopping")
    until(lambda: mode(t) == 0, "it is closed")
    _, err = t.run("send", "in", "two", status=1)
    assert f"error: the hub that reads in is stopping: it takes no new writers\n" in err, err
    hub.wait().says("in", accepted=1).says("in -> next", in_flight=1)
    equal(mode(t), 0o622)
    assert not t.path("state/stopped").exists()


@test
def a_hub_that_is_killed_while_it_stops_leaves_a_FIFO_that_the_next_one_opens(t):
    hub = t.start(STATE + "drain_timeout: 60s\n" + FORWARD)
    os.chmod(t.path("in"), 0o622)
    hub.send("in", [b"one"])
    hub.process.send_signal(signal.SIGTERM)
    until(lambda: mode(t) == 0, "it is closed")
    kill_all_of(hub)
    equal(mode(t), 0)
    again = t.start(STATE + LOG)
    equal(mode(t), 0o622)
    again.send("in", [b"two"])
    t.until_logged("out", [b"two"])
    again.stop().all_delivered(1)


@test
def a_closed_FIFO_of_which_nothing_is_known_gets_the_configured_mode(t):
    os.mkfifo(t.path("in"), 0o600)
    os.chmod(t.path("in"), 0)
    hub = t.start(STATE + LOG)
    hub.says("warning.*was closed .mode 0000., as by a hub that was killed while it stopped")
    equal(mode(t), 0o600)
    hub.stop().all_delivered(0)


def mode(t):
    return stat.S_IMODE(os.stat(t.path("in")).st_mode)


def kill_all_of(hub):
    children = open(f"/proc/{hub.process.pid}/task/{hub.process.pid}/children").read().split()
    for pid in map(int, children):
        os.kill(pid, signal.SIGSTOP)  # or it would save
    hub.process.kill()
    hub.process.wait()
    hub.ended = True
    for pid in map(int, children):
        os.kill(pid, signal.SIGKILL)


# ---- a writer stays inside a frame


@test
def the_rest_of_a_frame_that_a_stop_gave_up_is_no_message_in_the_next_hub(t):
    hub = t.start(STATE + "drain_timeout: 300ms\n" + LOG)
    writer = t.writer("in")
    writer.write_seen(struct.pack("<I", 20) + b"12345678")
    hub.stop().says("in", truncated=1, discarded_bytes=12)
    again = t.start(STATE + LOG)
    writer.write(b"\5\0\0\0abcdefgh" + frame(b"good"))
    t.until_logged("out", [b"good"])
    writer.close()
    again.stop().says("in", accepted=1, discarded_bytes=12).says("in -> out", delivered=1)
    equal(t.frames("out"), [b"good"])


@test
def when_that_writer_has_gone_nothing_is_skipped(t):
    hub = t.start(STATE + "drain_timeout: 300ms\n" + LOG)
    writer = t.writer("in")
    writer.write_seen(struct.pack("<I", 20) + b"12345678")
    hub.stop().says("in", truncated=1, discarded_bytes=12)
    writer.close()
    again = t.start(STATE + LOG)
    again.send("in", [b"good"])
    t.until_logged("out", [b"good"])
    again.stop().all_delivered(1)
