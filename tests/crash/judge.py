# SPDX-License-Identifier: Apache-2.0
"""Compares what arrived with what was sent: nothing lost, nothing truncated, and repeated only what a killed call may repeat."""

import json
import os
import re
import zlib

from messages import source_of

BATCH_MAX = 1024  # messages
PAGE = os.sysconf("SC_PAGESIZE")
_RECORD_BEGINS = re.compile(rb"[ab] \d+ \d+ ")


class Wrong(AssertionError):
    pass


def mark(payload):
    """Stands for a payload: its size and its CRC-32."""
    return len(payload) << 32 | zlib.crc32(payload)


def by_source(payloads):
    marks = {"a": [], "b": []}
    for payload in payloads:
        marks.get(source_of(payload), []).append(mark(payload))
    return marks


def once_in_order(what, actual, expected):
    """Lists of marks of one source."""
    if replays(what, actual, expected):
        raise Wrong(f"{what}: {len(actual) - len(expected)} messages came twice")


def replays(what, actual, expected):
    """How long the stretches are that came again directly after their first time; all else must be as expected."""
    found, at = [], 0  # at: how many of the expected have come
    for i, one in enumerate(actual):
        if at < len(expected) and one == expected[at]:
            at += 1
            continue
        back = _steps_back(actual, i, expected, at)
        if not back:
            raise Wrong(f"{what}: message {at} is missing, or out of order: {len(actual)} came, {len(expected)} were sent")
        found.append(back)
        at += 1 - back
    if at != len(expected):
        raise Wrong(f"{what}: the last {len(expected) - at} of {len(expected)} messages are missing")
    return found


def _steps_back(actual, i, expected, at):
    """The shortest way back to where `actual` goes on from i. Small messages look alike: several must agree, if there are several."""
    for agree in (8, 3, 1):
        for back in range(1, min(at, BATCH_MAX) + 1):
            run = min(agree, len(actual) - i, len(expected) - at + back)
            if actual[i : i + run] == expected[at - back : at - back + run]:
                return back
    return None


def recorded(text, sources="ab"):
    """(sequence, mark) of each line of a recorder's file, by source. A kill in a write that crosses a page of the file leaves what
    is before it; the line comes again after that."""
    is_whole = re.compile(rf"({'|'.join(sources)}) \d+ \d+ [0-9a-f]{{8}}\n").fullmatch
    marks, at = {s: [] for s in sources}, 0
    for line in text.splitlines(keepends=True):
        whole = line if is_whole(line) else line[-at % PAGE :]
        at += len(line)
        if not is_whole(whole):
            raise Wrong(f"recorder: a truncated line: {line[:60]!r}")
        source, sequence, size, crc = whole.split()
        marks[source].append((int(sequence), int(size) << 32 | int(crc, 16)))
    return marks


def printed(data, kills):
    """The marks in what print with the template `{source} {sequence} {size} {payload}` wrote, by source. A kill may leave one
    record truncated, which is then redelivered after the truncated part."""
    marks, truncated = {"a": [], "b": []}, 0
    for line in data.split(b"\n")[:-1]:
        begins = [m.start() for m in _RECORD_BEGINS.finditer(line)]
        if not begins or begins[0] != 0:  # the truncated part may end before its first size
            truncated += 1
            begins = begins or [len(line)]
        truncated += max(0, len(begins) - 1)
        source, sequence, size, payload = (line[begins[-1] :].split(b" ", 3) + [b""] * 4)[:4]
        if not size.isdigit() or int(size) != len(payload):
            raise Wrong(f"print: a truncated record that was not finished: {line[:60]!r}")
        marks[source.decode()].append((int(sequence), mark(payload)))
    rest = data.rpartition(b"\n")[2]
    if rest:
        raise Wrong(f"print: its last record is truncated: {rest[:60]!r}")
    if truncated > kills:
        raise Wrong(f"print: {truncated} truncated records, and {kills} kills")
    return marks, truncated


def is_json(line):
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def lines(what, data, kills, is_whole):
    """The whole lines of a file. A kill may leave one truncated, which is finished with a newline before the next; the record comes
    again, whole."""
    if data and not data.endswith(b"\n"):
        raise Wrong(f"{what}: its last line is truncated and was not finished")
    whole, truncated = [], []
    for line in data.split(b"\n")[:-1]:
        (whole if is_whole(line) else truncated).append(line)
    if len(truncated) > kills:
        raise Wrong(f"{what}: {len(truncated)} truncated lines, and {kills} kills")
    for part in truncated:
        if not any(line.startswith(part) for line in whole):
            raise Wrong(f"{what}: this is no message's beginning: {part[:60]!r}")
    return whole


def numbered(messages, wanted):
    """What a handler that tells sequences must get of a source's messages."""
    return [(i + 1, mark(m)) for i, m in enumerate(messages) if wanted(m)]
