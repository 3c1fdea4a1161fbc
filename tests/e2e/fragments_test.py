# SPDX-License-Identifier: Apache-2.0
"""However the stream is cut into writes, the frames are the same."""

from kit import equal, stream, test
from journey_test import LOG

THREE = [b"first", b"", b"\x03\0\0\0third"]


@test
def a_sequence_cut_at_every_byte_position_decodes_the_same(t):
    hub, data = t.start(LOG), stream(THREE)
    writer = t.writer("in")
    for cut in range(1, len(data)):
        writer.write_seen(data[:cut])
        writer.write_seen(data[cut:])
    hub.stop().all_delivered(3 * (len(data) - 1))
    equal(t.frames("out"), THREE * (len(data) - 1))


@test
def a_sequence_cut_at_every_two_positions_decodes_the_same(t):
    hub, data, rounds = t.start(LOG), stream(THREE), 0
    writer = t.writer("in")
    for first in range(1, len(data)):
        for second in range(first + 1, len(data)):
            for part in (data[:first], data[first:second], data[second:]):
                writer.write_seen(part)
            rounds += 1
    hub.stop().all_delivered(3 * rounds)
    equal(t.frames("out"), THREE * rounds)


@test
def one_byte_at_a_time_decodes_the_same(t):
    hub, messages = t.start(LOG), THREE + [b"x" * 300]
    writer = t.writer("in")
    for byte in stream(messages):
        writer.write_seen(bytes([byte]))
    hub.stop().all_delivered(4)
    equal(t.frames("out"), messages)


@test
def one_byte_packets_decode_the_same(t):
    hub = t.start(LOG)
    writer = t.writer("in", packets=True)
    for byte in stream(THREE * 100):
        writer.write(bytes([byte]))  # a slot of the pipe each
    hub.stop().all_delivered(300)
    equal(t.frames("out"), THREE * 100)
