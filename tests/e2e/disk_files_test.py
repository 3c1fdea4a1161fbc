# SPDX-License-Identifier: Apache-2.0
"""What waits on the disk is listed, checked, repaired, printed and exported, of a stopped hub and beside a running one."""

import json
import re

from kit import equal, frames_in, test
from overflow_test import ARCHIVE, HELD, yaml as held_yaml
from spill_test import ALL, NEXT, left, numbered, spills, yaml


def damage(path, what):
    content = bytearray(path.read_bytes())
    at = content.index(what)
    content[at] ^= 0x20
    path.write_bytes(content)


@test
def what_a_stopped_hub_left_is_listed_printed_and_exported(t):
    messages = numbered(300)
    hub = left(t, messages)
    out, _ = t.run("queue", "list", hub.config)
    lines = out.decode().splitlines()
    equal(lines[0].split(), ["KIND", "SOURCE", "HANDLER", "MESSAGES", "BYTES", "OLDEST", "STATE", "FILE"])
    assert re.fullmatch(r"spill +in +next +300 +[\d,]+ +\w+ +sound +.+/state/spill/in-1\.log", lines[1]), lines
    equal(len(lines), 2)
    out, _ = t.run("queue", "list", "--data-dir", t.path("state"), "--json")
    listed = json.loads(out)
    equal((listed["kind"], listed["handlers"], listed["messages"], listed["damage"]), ("spill", ["next"], 300, []))
    out, _ = t.run("queue", "check", hub.config)
    equal(out, b"ok: 1 file, 300 waiting messages\n")
    out, _ = t.run("queue", "cat", hub.config, "--count", "3")
    equal(out, b"".join(m + b"\n" for m in messages[:3]))
    out, err = t.run("queue", "export", hub.config)
    equal(frames_in(out), messages)
    assert "300 messages written" in err, err
    t.run("queue", "export", hub.config, "--to", t.path("frames"))
    equal(frames_in(t.path("frames").read_bytes()), messages)
    _, err = t.run("queue", "export", hub.config, "--to", t.path("frames"), status=1)
    assert "is there already" in err, err
    out, _ = t.run("queue", "export", hub.config, "--format", "jsonl", "--handler", "next")
    lines = [json.loads(line) for line in out.splitlines()]
    equal([line["payload"].encode() for line in lines], messages)
    equal((lines[7]["source"], lines[7]["handlers"], lines[7]["meta"]), ("in", ["next"], {}))
    out, _ = t.run("queue", "cat", hub.config, "--handler", "another")
    equal(out, b"")
    equal(spills(t), ["in-1.log"])


@test
def damage_is_named_and_set_aside_and_the_rest_is_delivered(t):
    messages = numbered(100)
    hub = left(t, messages)
    spill = t.path("state/spill/in-1.log")
    damage(spill, messages[42])
    out, err = t.run("queue", "check", hub.config, status=1)
    equal(out, b"1 damaged file of 1 file, 99 waiting messages\n")
    assert re.search(rf"{spill}: 1 record \(\d+ bytes from byte [\d,]+ on\) cannot be read", err), err
    assert b" damaged " in t.run("queue", "list", hub.config)[0]
    out, err = t.run("queue", "cat", hub.config, "--format", "json", status=1)
    equal(len(out.splitlines()), 99)
    assert "cannot be read" in err, err
    out, err = t.run("queue", "check", hub.config, "--repair")
    equal(out, b"1 damaged file of 1 file, 99 waiting messages; 1 repaired\n")
    assert f"the damaged file is {spill}.damaged" in err, err
    equal(spills(t), ["in-1.log", "in-1.log.damaged"])
    equal(t.run("queue", "check", hub.config)[0], b"ok: 1 file, 99 waiting messages\n")
    again = t.start(yaml(NEXT))
    equal(t.reader("next").take(99), messages[:42] + messages[43:])
    again.stop().all_delivered(99)
    assert "damaged" not in again.stderr(), again.stderr()
    equal(spills(t), ["in-1.log.damaged"])


@test
def a_damaged_file_stops_no_start_and_costs_what_is_damaged(t):
    messages = numbered(100)
    left(t, messages)
    spill = t.path("state/spill/in-1.log")
    damage(spill, b"stdplog")
    damage(spill, messages[7])
    again = t.start(yaml(NEXT))
    equal(t.reader("next").take(99), messages[:7] + messages[8:])
    again.stop().all_delivered(99)
    again.says("lacks 1 message: its header is damaged; passed over 1 damaged record")
    equal(spills(t), ["in-1.log.damaged"])


@test
def beside_a_running_hub_files_are_read_and_not_repaired(t):
    messages = numbered(3000)
    hub = t.start(held_yaml(ARCHIVE, HELD))
    hub.send("in", messages)
    t.until_logged("archive", messages)
    saved = hub.stats()["overflows"]["in -> screen"]["messages"]
    out, _ = t.run("queue", "list", hub.config, "--json")
    listed = json.loads(out)
    equal((listed["kind"], listed["handlers"], listed["messages"]), ("queue", ["screen"], saved))
    equal(t.run("queue", "check", hub.config)[0].decode(), f"ok: 1 file, {saved:,} waiting messages\n")
    equal(frames_in(t.run("queue", "export", hub.config)[0]), messages[:saved])
    _, err = t.run("queue", "check", hub.config, "--repair", status=1)
    assert re.search(r"a hub \(process \d+\) uses .+/state, and nothing is repaired beside it", err), err
    account = hub.stop().says("in", accepted=3000).says("in -> archive", delivered=3000)
    account.says("in -> screen", matched=3000, in_flight=3000)


@test
def what_is_no_file_of_messages_is_named_and_set_aside(t):
    hub = t.start(yaml(ALL))
    hub.stop()
    equal(t.run("queue", "list", hub.config)[0], b"")
    t.path("state/spill").mkdir(exist_ok=True)
    t.path("state/spill/in-1.log").write_bytes(b"garbage, and more than a header of it")
    _, err = t.run("queue", "check", hub.config, status=1)
    assert "in-1.log is not a disk log" in err, err
    t.run("queue", "check", hub.config, "--repair")
    equal(spills(t), ["in-1.log.unreadable"])


@test
def what_cannot_be_meant_is_refused(t):
    _, err = t.run("queue", "list", status=2)
    assert "CONFIG or --data-dir" in err, err
    _, err = t.run("queue", "list", "--data-dir", t.path("nowhere"), status=1)
    assert "there is no folder" in err, err
