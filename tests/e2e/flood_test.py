# SPDX-License-Identifier: Apache-2.0
"""A great many messages, each one looked at."""

from kit import test
from kit.flood import Flood

LOG_AND_FORWARD = """
sources: {in: {fifo: in}}
handlers:
  archive: {plugin: log, options: {path: archive, format: frames}}
  next: {plugin: forward, options: {fifo: next}}
routes: [{from: in, to: [archive, next]}]
"""
WRITERS, SIZE = 4, 128


@test(seconds=600, alone=True)
def ten_million_messages_of_four_writers_reach_log_and_forward(t):
    flood, each = Flood(t.folder), 2_500_000 if t.full_scale() else 50_000
    hub = t.start(LOG_AND_FORWARD)
    t.reader("next").close()  # it is there
    reader = flood.checker(t.path("next"), WRITERS, each, SIZE)
    flood.finish(*[flood.writer(t.path("in"), w, each, SIZE) for w in range(WRITERS)], reader)
    hub.stop().all_delivered(WRITERS * each)
    flood.finish(flood.checker(t.path("archive"), WRITERS, each, SIZE))
    t.path("archive").unlink()


@test(seconds=120)
def the_checker_notices_what_is_lost_repeated_swapped_or_changed(t):
    flood = Flood(t.folder)
    whole = written(t, flood)
    flood.finish(flood.checker(t.path("copy"), 1, 3, SIZE))
    first, second, third = (whole[i : i + SIZE + 4] for i in range(0, len(whole), SIZE + 4))
    changed = second[:-1] + bytes([second[-1] ^ 1])
    lost, repeated, swapped = first + third, first + second + second, second + first + third
    for wrong in (lost, repeated, swapped, first + changed + third, whole + third, whole[:-1]):
        t.path("copy").write_bytes(wrong)
        assert flood.checker(t.path("copy"), 1, 3, SIZE).wait() == 1


def written(t, flood):
    t.path("copy").touch()
    flood.finish(flood.writer(t.path("copy"), 0, 3, SIZE))
    return t.path("copy").read_bytes()
