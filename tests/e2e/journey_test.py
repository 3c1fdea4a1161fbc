# SPDX-License-Identifier: Apache-2.0
"""Messages from FIFOs to print, log and forward: what arrives is what was sent, in its order."""

import json
import os

from kit import bytes_waiting, equal, frame, stream, test, until
from kit.fifo import frames_in

LOG = """
sources: {in: {fifo: in}}
handlers: {out: {plugin: log, options: {path: out, format: frames}}}
routes: [{from: in, to: out}]
"""
FORWARD = """
sources: {in: {fifo: in}}
handlers: {next: {plugin: forward, options: {fifo: next}}}
routes: [{from: in, to: next}]
"""
EVERY_BYTE = bytes(range(256))
AWKWARD = [b"", b"plain", b"", EVERY_BYTE, b"\n", b"\0" * 9, b"\xff\xff\xff\xff", "zwölf".encode(), b"x" * 5000, b""]


@test
def frames_reach_a_log_as_they_were(t):
    hub = t.start(LOG)
    hub.send("in", AWKWARD)
    hub.stop().all_delivered(len(AWKWARD))
    equal(t.frames("out"), AWKWARD)


@test
def frames_reach_the_next_fifo_as_they_were(t):
    hub = t.start(FORWARD)
    reader = t.reader("next")
    hub.send("in", AWKWARD)
    equal(reader.take(len(AWKWARD)), AWKWARD)
    hub.stop().all_delivered(len(AWKWARD))


@test
def one_source_feeds_print_log_and_forward_alike(t):
    hub = t.start("""
sources: {in: {fifo: in}}
handlers:
  screen: {plugin: print, options: {format: json}}
  lines: {plugin: log, options: {path: lines, format: lines}}
  objects: {plugin: log, options: {path: objects, format: jsonl}}
  frames: {plugin: log, options: {path: frames, format: frames}}
  next: {plugin: forward, options: {fifo: next}}
routes: [{from: in, to: [screen, lines, objects, frames, next]}]
""")
    messages = [f"message {i}".encode() for i in range(3000)]
    reader = t.reader("next")
    hub.send("in", messages)
    equal(reader.take(len(messages)), messages)
    hub.stop().all_delivered(len(messages))
    equal(t.frames("frames"), messages)
    equal(t.path("lines").read_bytes(), b"".join(m + b"\n" for m in messages))
    for text in (t.path("objects").read_text(), hub.stdout().decode()):
        rows = [json.loads(line) for line in text.splitlines()]
        equal([(r["source"], r["sequence"], r["text"].encode()) for r in rows], [("in", i + 1, m) for i, m in enumerate(messages)])


@test
def several_sources_keep_their_own_order_in_one_log(t):
    hub = t.start("""
sources: {a: {fifo: a}, b: {fifo: b}, c: {fifo: c}}
handlers: {out: {plugin: log, options: {path: out, format: frames}}}
routes: [{from: [a, b, c], to: out}]
""")
    messages = {s: [b"%s %d" % (s.encode(), i) for i in range(5000)] for s in "abc"}
    for sending in [t.meanwhile(hub.send, s, m) for s, m in messages.items()]:
        sending.join()
    hub.stop().all_delivered(5000, 5000, 5000)
    got = t.frames("out")
    for s, sent in messages.items():
        equal([m for m in got if m.startswith(s.encode())], sent, f"messages of {s}")


@test
def many_small_writes_and_one_large_one_are_the_same_stream(t):
    hub = t.start(LOG)
    messages = [b"%d" % i for i in range(2000)]
    writer = t.writer("in")
    for m in messages:
        writer.send(m)
    writer.send(*messages)
    hub.stop().all_delivered(2 * len(messages))
    equal(t.frames("out"), messages + messages)


@test
def handlers_go_at_their_own_speed(t):
    hub = t.start("""
sources: {in: {fifo: in, log: {max_size: 1MiB}}}
handlers:
  slow: {plugin: slow, options: {delay: 5ms}}
  quick: {plugin: log, options: {path: quick, format: frames}}
routes: [{from: in, to: [slow, quick]}]
""")
    messages = [b"%d" % i for i in range(500)]
    hub.send("in", messages)
    t.until_logged("quick", messages, 2)
    assert hub.process.poll() is None
    hub.stop().all_delivered(500)
    equal(t.frames("quick"), messages)


@test
def a_message_of_the_largest_size_passes_and_one_byte_more_does_not(t):
    hub = t.start("""
sources: {in: {fifo: in, framing: {type: length_prefixed, max_message_size: 100KiB}}}
handlers: {out: {plugin: log, options: {path: out, format: frames}}}
routes: [{from: in, to: out}]
""")
    largest = EVERY_BYTE * 400
    hub.send("in", [largest])
    hub.says("created")
    t.until_logged("out", [largest])
    hub.send("in", [largest + b"!"])
    hub.says("in: a frame claims 102,401 bytes .limit 102,400.")
    hub.says("its writers have gone; 102,405 bytes discarded")
    hub.send("in", [b"after"])
    account = hub.stop()
    account.says("in", accepted=2, bad_frame=1, discarded_bytes=102405).says("in -> out", delivered=2)
    equal(t.frames("out"), [largest, b"after"])


@test
def the_default_limit_is_16_MiB(t):
    hub = t.start(LOG)
    largest = EVERY_BYTE * (16 * 1024 * 4)
    hub.send("in", [largest, b"after"])
    hub.stop().all_delivered(2)
    equal(t.frames("out"), [largest, b"after"])


@test(seconds=180, alone=True)
def a_frame_of_200_MiB_passes_to_log_and_forward(t):
    size = (200 if t.full_scale() else 20) << 20
    hub = t.start(f"""
memory_max: 512MiB
sources: {{in: {{fifo: in, framing: {{max_message_size: {size >> 20}MiB}}}}}}
handlers:
  archive: {{plugin: log, options: {{path: archive, format: frames}}}}
  next: {{plugin: forward, options: {{fifo: next}}}}
routes: [{{from: in, to: [archive, next]}}]
""")
    messages = [b"before", EVERY_BYTE * (size // 256), b"after"]
    reader = t.reader("next")
    sending = t.meanwhile(hub.send, "in", messages)
    equal(reader.take(3, seconds=60), messages)
    sending.join()
    hub.stop().all_delivered(3)
    equal(t.frames("archive"), messages)


@test(seconds=120)
def large_frames_of_dribbling_writers_take_turns_and_hold_up_nobody(t):
    hub = t.start("""
memory_max: 5MiB
sources:
  a: {fifo: a, framing: {max_message_size: 3MiB}}
  b: {fifo: b, framing: {max_message_size: 3MiB}}
  quick: {fifo: quick, framing: {max_message_size: 1MiB}}
handlers: {out: {plugin: log, options: {path: out, format: frames}}}
routes: [{from: [a, b, quick], to: out}]
""")
    large, ticks = EVERY_BYTE * 12000, 0  # 3 MiB: two do not fit
    writing = [t.meanwhile(dribble, t.writer(source), frame(large)) for source in ("a", "b")]
    while any(w.is_alive() for w in writing):
        hub.send("quick", [b"tick"])
        ticks += 1
        t.until_logged("out", [b"tick"] * ticks)
    hub.stop().all_delivered(1, 1, ticks)
    equal(sorted(t.frames("out")), sorted([large, large] + [b"tick"] * ticks))


def dribble(writer, data):
    for at in range(0, len(data), 1000):
        writer.write(data[at : at + 1000])
    writer.close()


@test
def writers_in_packet_mode_are_understood(t):
    hub = t.start(LOG)
    writer = t.writer("in", packets=True)
    messages = [b"x" * n for n in (0, 1, 4091, 4092, 4093, 70000, 300000)] + [b"%d" % i for i in range(3000)]
    writer.write(stream(messages[:7]))
    for m in messages[7:]:
        writer.write(frame(m))  # each frame a packet of its own
    writer.write_seen(frame(b"cut")[:5])
    writer.write(frame(b"cut")[5:])
    hub.stop().all_delivered(len(messages) + 1)
    equal(t.frames("out"), messages + [b"cut"])


@test
def packets_and_plain_writes_mix(t):
    hub = t.start(FORWARD)
    packets, plain, reader = t.writer("in", packets=True), t.writer("in"), t.reader("next")
    messages = []
    for i in range(300):
        (packets, plain)[i % 2].send(b"%d" % i * (i * 3))
        messages.append(b"%d" % i * (i * 3))
    equal(reader.take(300), messages)
    hub.stop().all_delivered(300)


@test
def what_waits_in_a_fifo_before_the_hub_is_read(t):
    os.mkfifo(t.path("in"))
    keeper = os.open(t.path("in"), os.O_RDWR)
    os.write(keeper, stream([b"early", b"bird"]))
    hub = t.start(LOG)
    until(lambda: bytes_waiting(keeper) == 0, "the hub takes what waited")
    hub.stop().all_delivered(2)
    equal(frames_in(t.path("out").read_bytes()), [b"early", b"bird"])
