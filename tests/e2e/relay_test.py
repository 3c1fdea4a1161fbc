# SPDX-License-Identifier: Apache-2.0
"""The fast path: where bytes go on by reference, where they do not, and that nobody but `stats` can tell."""

import os
import time

from kit import equal, stream, test, until

THROUGH = """
sources: {in: {fifo: in, mode: "MODE", log: {max_size: 1MiB}}}
handlers: {out: {plugin: forward, options: {fifo: next}}}
routes: [{from: in, to: out}]
"""
MESSAGES = [b"%d " % i + b"." * (i * 37 % 9000) for i in range(300)]


def start(t, mode="0600", log="1MiB"):
    os.mkfifo(t.path("next"), 0o600)
    hub = t.start(THROUGH.replace("MODE", mode).replace("1MiB", log))
    return hub, t.reader("next")


def relay_of(hub):
    (relay,) = hub.stats()["relays"]
    equal((relay["source"], os.path.basename(relay["output"])), ("in", "next"))
    return relay


def pass_all(t, hub, reader, messages, **writer):
    """In pieces of 32 KiB; the first message opens the way."""
    data, first, writer = stream(messages), len(stream(messages[:1])), t.writer("in", **writer)
    writer.write(data[:first])
    equal(reader.take(1), messages[:1])
    until(lambda: hub.account_now().of("in -> out")["delivered"] == 1, "the first is delivered")
    taking = t.meanwhile(reader.take, len(messages) - 1)
    for at in range(first, len(data), 32 << 10):
        writer.write(data[at : at + (32 << 10)])
    writer.close()
    equal(taking.join(), messages[1:])


@test
def what_one_source_has_for_one_forward_goes_by_reference(t):
    hub, reader = start(t)
    pass_all(t, hub, reader, MESSAGES)
    relay = relay_of(hub)
    assert relay["refused"] is None and relay["bytes"] > 0, relay
    out, _ = t.run("stats", "--account", "--control", hub.control)
    assert f"next: {relay['bytes']:,} bytes went by reference\n" in out.decode(), out.decode()
    hub.stop().all_delivered(len(MESSAGES))


@test
def nothing_of_a_fifo_that_others_may_write_to_is_relayed(t):
    hub, reader = start(t, mode="0620")
    pass_all(t, hub, reader, MESSAGES)
    equal((relay_of(hub)["bytes"], relay_of(hub)["refused"]), (0, "others may write to its FIFO (mode 0620)"))
    hub.stop().all_delivered(len(MESSAGES))


@test
def packets_are_not_relayed(t):
    hub, reader = start(t)
    pass_all(t, hub, reader, MESSAGES, packets=True)
    until(lambda: relay_of(hub)["refused"] == "a writer writes packets (O_DIRECT)", "packets are seen")
    hub.stop().all_delivered(len(MESSAGES))


@test
def content_and_company_keep_the_general_path(t):
    for name in ("next", "other"):
        os.mkfifo(t.path(name), 0o600)
    hub = t.start(
        """
sources: {in: {fifo: in}, by_content: {fifo: by_content}}
handlers:
  out: {plugin: forward, options: {fifo: next}}
  log: {plugin: log, options: {path: log.out}}
  other: {plugin: forward, options: {fifo: other}}
routes: [{from: in, to: [out, log]}, {from: by_content, match: {text: {prefix: a}}, to: other}]
"""
    )
    equal(hub.stats()["relays"], [])
    hub.stop().all_delivered(0, 0)


@test
def a_writer_that_dies_inside_a_frame_is_seen_although_its_source_is_held_back(t):
    hub, reader = start(t, log="4MiB")
    pass_all(t, hub, reader, MESSAGES[:2])
    body = [b"%c" % (65 + i % 26) * 996 for i in range(900)]
    for times in range(1, 4):
        until(lambda: hub.account_now().of("in -> out")["in_flight"] == 0, "all is delivered")
        truncated = t.writer("in")
        truncated.write(stream(body) + stream([b"A" * 3000])[:1500])
        truncated.close()
        time.sleep(0.003)  # long enough to wake the hub; not so long that it gives the hold up
        hub.until_asleep()
        whole = t.writer("in")
        whole.write(stream([b"B" * 2996]))
        whole.close()
        equal(reader.take(901), body + [b"B" * 2996])
    account = hub.stop().says("in", accepted=2705, truncated=3, discarded_bytes=4500)
    account.says("in -> out", delivered=2705)


@test
def a_reader_that_takes_nothing_leaves_writers_the_room_of_the_log(t):
    hub, reader = start(t)
    message = b"x" * 1000
    writer = t.writer("in")
    writer.write(stream([message]))
    equal(reader.take(1), [message])
    began = time.monotonic()
    for _ in range(20):  # 1 MiB of the log, and what its FIFO, the stage and the next FIFO hold
        writer.write(stream([message] * 80))
    assert time.monotonic() - began < 10
    equal(reader.take(1600), [message] * 1600)
    hub.stop().all_delivered(1601)
