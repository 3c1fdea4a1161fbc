# SPDX-License-Identifier: Apache-2.0
"""Readers of an output FIFO come and go: each starts on a whole frame, and together they read everything once."""

import os
import random

from kit import Writer, bytes_waiting, equal, frame, frames_in, stream, test, until

FORWARD = """
sources: {in: {fifo: in}}
handlers: {next: {plugin: forward, options: {fifo: next, on_reader_death: %s}}}
routes: [{from: in, to: next}]
"""
RESEND, COUNT = FORWARD % "resend", FORWARD % "count"


def visit(t, hub, fifo, size):
    """A reader that comes, reads about `size` bytes and dies; the hub has seen it go. Returns the bytes."""
    reader, data = t.reader(fifo), b""
    while len(data) < size:
        data += reader.read_some(size - len(data))
    reader.close()
    hub.until_asleep()
    return data


def read_in_visits(t, hub, fifo, messages, sizes):
    """The whole frames that readers got, each of which threw away what it had of an incomplete one."""
    got, visits = [], 0
    while len(got) < len(messages):
        left = len(stream(messages[len(got) :]))
        whole, _ = frames_in(visit(t, hub, fifo, min(next(sizes), left)), incomplete=True)
        equal(whole, messages[len(got) : len(got) + len(whole)], f"visit {visits}")
        got += whole
        visits += 1
    return visits


def random_sizes(most):
    chance = random.Random(7)
    while True:
        yield chance.randint(1, most)


@test(seconds=120)
def readers_that_die_anywhere_get_every_frame_whole_and_once(t):
    hub = t.start(RESEND)
    messages = [b"%d " % i + b"." * (i % 300) for i in range(4000)]
    sending = t.meanwhile(hub.send, "in", messages)
    visits = read_in_visits(t, hub, "next", messages, random_sizes(20_000))
    assert visits > 20
    sending.join()
    hub.stop().all_delivered(len(messages))


@test(seconds=120)
def readers_that_die_inside_large_frames_get_them_whole(t):
    hub = t.start(RESEND)
    messages = [b"%d" % i * 50_000 for i in range(20)]
    sending = t.meanwhile(hub.send, "in", messages)
    read_in_visits(t, hub, "next", messages, random_sizes(900_000))
    sending.join()
    hub.stop().all_delivered(len(messages))


@test(seconds=120)
def readers_that_read_nothing_take_nothing(t):
    hub = t.start(RESEND)
    messages = [b"%d" % i for i in range(50_000)]
    sending = t.meanwhile(hub.send, "in", messages)
    for _ in range(50):
        reader = t.reader("next")
        until(lambda: bytes_waiting(reader.fd), "there is something to read")
        reader.close()
        hub.until_asleep()
    equal(t.reader("next").take(len(messages)), messages)
    sending.join()
    hub.stop().all_delivered(len(messages))


@test
def with_count_the_next_reader_continues_where_the_last_one_died(t):
    hub = t.start(COUNT)
    messages = [b"%d" % i * 100 for i in range(2000)]
    data, got, sizes = stream(messages), b"", random_sizes(30_000)
    sending = t.meanwhile(hub.send, "in", messages)
    while len(got) < len(data):
        got += visit(t, hub, "next", min(next(sizes), len(data) - len(got)))
    equal(got, data)
    sending.join()
    hub.stop().all_delivered(len(messages))


@test
def a_slow_reader_that_stays_gets_all(t):
    hub = t.start(RESEND)
    messages = [b"%d" % i for i in range(300)]
    reader, data = t.reader("next"), b""
    hub.send("in", messages)
    while len(data) < len(stream(messages)):
        data += reader.read_some(7)
    equal(frames_in(data), messages)
    hub.stop().all_delivered(300)


@test(seconds=120)
def several_forwards_to_one_fifo_take_turns(t):
    names = ["a", "b", "c"]
    hub = t.start(f"""
sources: {{a: {{fifo: a}}, b: {{fifo: b}}, c: {{fifo: c}}}}
handlers: {{{", ".join(f"to_{n}: {{plugin: forward, options: {{fifo: next}}}}" for n in names)}}}
routes: [{", ".join(f"{{from: {n}, to: to_{n}}}" for n in names)}]
""")
    messages = {n: [b"%s %d " % (n.encode(), i) + b"-" * (i * 37 % 20_000) for i in range(400)] for n in names}
    for name, sent in messages.items():
        t.meanwhile(hub.send, name, sent)
    got = t.reader("next").take(1200)
    for name, sent in messages.items():
        equal([m for m in got if m.startswith(name.encode())], sent, f"messages of {name}")
    hub.stop().all_delivered(400, 400, 400)


@test(seconds=120)
def several_forwards_to_one_fifo_share_its_readers_deaths(t):
    hub = t.start("""
sources: {a: {fifo: a}, b: {fifo: b}}
handlers:
  one: {plugin: forward, options: {fifo: next}}
  two: {plugin: forward, options: {fifo: next}}
routes: [{from: a, to: one}, {from: b, to: two}]
""")
    messages = {n: [b"%s %d " % (n.encode(), i) + b"-" * (i * 37 % 5000) for i in range(300)] for n in "ab"}
    for name, sent in messages.items():
        t.meanwhile(hub.send, name, sent)
    got, sizes = [], random_sizes(100_000)
    while len(got) < 600:
        reader, data, size = t.reader("next"), b"", next(sizes)
        while len(data) < size and len(got) + len(frames_in(data, incomplete=True)[0]) < 600:
            data += reader.read_some(size - len(data))
        reader.close()
        hub.until_asleep()
        got += frames_in(data, incomplete=True)[0]
    for name, sent in messages.items():
        equal([m for m in got if m.startswith(name.encode())], sent, f"messages of {name}")
    hub.stop().all_delivered(300, 300)


@test
def two_forwards_to_one_fifo_must_agree_on_a_readers_death(t):
    hub = t.start("""
sources: {in: {fifo: in}}
handlers:
  one: {plugin: forward, options: {fifo: next, on_reader_death: resend}}
  two: {plugin: forward, options: {fifo: next, on_reader_death: count}}
routes: [{from: in, to: [one, two]}]
""")
    hub.says("another handler sends to .*/next with a different on_reader_death")
    hub.stop().all_delivered(0)


@test
def a_fifo_replaced_while_nobody_reads_is_found_again(t):
    hub = t.start(RESEND)
    first = t.reader("next")
    hub.send("in", [b"one", b"two"])
    equal(first.take(1), [b"one"])  # and has read "two", too: a reader reads what is there
    first.close()
    hub.until_asleep()
    replace(t.path("next"))
    hub.send("in", [b"three", b"four"])
    equal(t.reader("next").take(2), [b"three", b"four"])
    hub.stop().all_delivered(4)


@test
def a_fifo_replaced_with_unread_frames_in_it_loses_none(t):
    hub = t.start(RESEND)
    first = t.reader("next")
    hub.send("in", [b"one", b"two", b"three"])
    until(lambda: bytes_waiting(first.fd) == len(stream([b"one", b"two", b"three"])), "all are in the pipe")
    equal(os.read(first.fd, 7), frame(b"one"))
    replace(t.path("next"))
    first.close()
    equal(t.reader("next").take(2), [b"two", b"three"])
    hub.stop().all_delivered(3)


@test
def a_fifo_replaced_before_anybody_read_is_found(t):
    hub = t.start(RESEND)
    hub.send("in", [b"one"])
    until(lambda: t.path("next").exists(), "the FIFO is made")
    replace(t.path("next"))
    equal(t.reader("next").take(1), [b"one"])
    hub.stop().all_delivered(1)


def replace(path):
    """In one step: the hub makes one that is missing again."""
    new = path.with_name(path.name + ".new")
    os.mkfifo(new, 0o600)
    new.rename(path)


@test
def what_others_wrote_is_left_in_the_pipe_of_a_dead_reader(t):
    hub = t.start(RESEND)
    reader = t.reader("next")
    hub.send("in", [b"ours"])
    until(lambda: bytes_waiting(reader.fd) == 8, "it is in the pipe")
    other = Writer(t.path("next"))
    other.send(b"theirs")
    reader.close()
    hub.says("its reader died, and the pipe holds bytes that others wrote; nothing is sent again")
    equal(t.reader("next").take(2), [b"ours", b"theirs"])
    hub.stop().all_delivered(1)


@test
def a_second_reader_of_the_same_fifo_takes_its_share(t):
    hub = t.start(RESEND)
    one, two = t.reader("next"), t.reader("next")
    hub.send("in", [b"x" * 96] * 40)
    until(lambda: bytes_waiting(one.fd) == 4000, "all are in the pipe")
    got = frames_in(os.read(one.fd, 2000)) + frames_in(os.read(two.fd, 2000))
    equal(got, [b"x" * 96] * 40)
    hub.stop().all_delivered(40)


@test
def a_client_that_opens_its_reply_fifo_first_does_not_stand_still(t):
    hub = t.start(RESEND)
    until(lambda: t.path("next").exists(), "the FIFO is made")
    opening = t.meanwhile(os.open, t.path("next"), os.O_RDONLY)  # as `cat next` does: waits for somebody to write
    replies = opening.join()
    hub.send("in", [b"request"])
    equal(os.read(replies, 100), frame(b"request"))
    os.close(replies)
    hub.stop().all_delivered(1)


@test
def a_fifo_that_is_removed_after_its_first_reader_is_made_again(t):
    hub = t.start(RESEND)
    first = t.reader("next")
    hub.send("in", [b"one"])
    equal(first.take(1), [b"one"])
    t.path("next").unlink()
    until(lambda: t.path("next").exists(), "the FIFO is made again")
    hub.send("in", [b"two"])
    equal(first.take(1), [b"two"])
    first.close()
    next_one = t.reader("next")
    hub.send("in", [b"three"])
    equal(next_one.take(1), [b"three"])
    hub.stop().all_delivered(3)
