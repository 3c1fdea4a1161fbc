# SPDX-License-Identifier: Apache-2.0
"""Others write into the FIFO that a forward writes into: no frame of anybody's is broken up."""

from kit import SLOW, equal, frames_in, test

INTO = """
sources: {in: {fifo: %s}}
handlers: {next: {plugin: forward, options: {fifo: next, on_reader_death: %s}}}
routes: [{from: in, to: next}]
"""
CIRCLE = """
sources: {in: {fifo: in}, back: {fifo: back}}
handlers:
  round: {plugin: forward, allow_loop: true, options: {fifo: back}}
  out: {plugin: log, options: {path: out, format: frames}}
routes: [{from: in, to: round}, {from: back, to: out}]
"""


def messages_of(who, count):
    """Mostly small, and now and then one larger than a pipe's page."""
    return [b"%s %d " % (who, i) + b"%c" % (97 + i % 26) * (50_000 if i % 500 == 0 else i % 300) for i in range(count)]


def sorted_by_sender(got, *sent):
    """Each sender's messages are all there, whole, in its order."""
    for messages in sent:
        who = messages[0].split()[0] + b" "
        equal([m for m in got if m.startswith(who)], messages, f"those of {who!r}")
    equal(len(got), sum(map(len, sent)))


def two_hubs_and_a_sender(t, on_reader_death):
    hubs = [t.start(INTO % (fifo, on_reader_death)) for fifo in ("one", "two")]
    reader = t.reader("next")
    ours = [messages_of(b"hub%d" % i, 20_000) for i in range(2)]
    sends = messages_of(b"sender", 5_000)
    sending = [t.meanwhile(hub.send, fifo, messages) for hub, fifo, messages in zip(hubs, ("one", "two"), ours)]
    t.path("input").write_bytes(b"\n".join(sends) + b"\n")
    with t.path("input").open("rb") as lines:
        sender = t.standpipe("send", "-q", t.path("next"), stdin=lines)
        sorted_by_sender(reader.take(45_000, seconds=60), *ours, sends)
    for thread in sending:
        thread.join()
    equal(sender.wait(20 * SLOW), 0)
    for hub in hubs:
        hub.stop().all_delivered(20_000)


@test(seconds=120)
def two_hubs_and_a_sender_share_a_fifo_that_is_declared_shared(t):
    two_hubs_and_a_sender(t, "count")


@test(seconds=120)
def two_hubs_and_a_sender_share_a_fifo_that_each_took_for_its_own(t):
    two_hubs_and_a_sender(t, "resend")


@test(seconds=120)
def a_circle_through_the_hub_and_a_sender_beside_it_tear_nothing(t):
    hub = t.start(CIRCLE)
    round_trip, sends = messages_of(b"round", 20_000), messages_of(b"sender", 5_000)
    sending = t.meanwhile(hub.send, "in", round_trip)
    t.path("input").write_bytes(b"\n".join(sends) + b"\n")
    with t.path("input").open("rb") as lines:
        t.run("send", "-q", t.path("back"), stdin=lines, input=None, seconds=60)
    sending.join()
    t.until_logged("out", round_trip + sends, seconds=60)
    sorted_by_sender(frames_in(t.path("out").read_bytes()), round_trip, sends)
    hub.stop().all_delivered(20_000, 25_000)
