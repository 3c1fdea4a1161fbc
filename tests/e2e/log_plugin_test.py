# SPDX-License-Identifier: Apache-2.0
"""Files of the log plugin: fed back, rotated, moved away, repaired."""

import base64
import fcntl
import json
import os
import shutil
import signal

from kit import equal, frame, frames_in, test, until
from journey_test import EVERY_BYTE, LOG

ROTATED = """
sources: {in: {fifo: in}}
handlers: {out: {plugin: log, options: {path: out, format: frames, keep: %d, %s}}}
routes: [{from: in, to: out}]
"""


@test
def a_file_of_frames_fed_back_into_a_fifo_gives_the_same(t):
    hub = t.start("""
sources: {in: {fifo: in}, again: {fifo: again}}
handlers:
  first: {plugin: log, options: {path: first, format: frames}}
  second: {plugin: log, options: {path: second, format: frames}}
routes: [{from: in, to: first}, {from: again, to: second}]
""")
    messages = [b"", EVERY_BYTE, b"x" * 70_000] + [b"%d" % i for i in range(1000)]
    hub.send("in", messages)
    t.until_logged("first", messages)
    with t.path("first").open("rb") as source, t.path("again").open("wb") as fifo:
        shutil.copyfileobj(source, fifo)
    hub.stop().all_delivered(len(messages), len(messages))
    equal(t.path("second").read_bytes(), t.path("first").read_bytes())


@test
def rotation_by_size_keeps_that_many_and_no_message_between_two_files(t):
    hub = t.start(ROTATED % (3, "rotate_size: 10KiB"))
    messages = [b"%05d" % i + b"." * 95 for i in range(1000)]  # 104 bytes each: 99 a file
    hub.send("in", messages)
    hub.stop().all_delivered(1000)
    equal(sorted(p.name for p in t.folder.glob("out*")), ["out", "out.1", "out.2", "out.3"])
    kept = t.frames("out.3", "out.2", "out.1", "out")
    equal(kept, messages[-len(kept) :])
    equal([len(t.frames(f"out.{i}")) for i in (1, 2, 3)], [99, 99, 99])


@test
def rotation_with_room_for_all_loses_nothing(t):
    hub = t.start(ROTATED % (1000, "rotate_size: 1KiB"))
    messages = [b"%d" % i for i in range(5000)]
    hub.send("in", messages)
    hub.stop().all_delivered(5000)
    files = sorted(t.folder.glob("out.*"), key=lambda p: -int(p.suffix[1:]))
    assert len(files) > 30
    equal(t.frames(*(f.name for f in files), "out"), messages)


@test
def rotation_by_time_rotates_a_file_that_is_old(t):
    hub = t.start(ROTATED % (1000, "rotate_every: 200ms"))
    sent = 0

    def send_one():
        nonlocal sent
        hub.send("in", [b"tick"])
        sent += 1
        return t.path("out.2").exists()

    until(send_one, "it rotated twice")
    hub.stop().all_delivered(sent)
    equal(t.frames(*(p.name for p in t.folder.glob("out*") if p.name.startswith("out"))), [b"tick"] * sent)


@test
def after_a_move_SIGUSR1_opens_the_file_anew(t):
    hub = t.start(LOG)
    hub.send("in", [b"one", b"two"])
    t.until_logged("out", [b"one", b"two"])
    t.path("out").rename(t.path("moved"))
    hub.process.send_signal(signal.SIGUSR1)
    hub.says("out: reopened")
    hub.send("in", [b"three"])
    hub.stop().all_delivered(3)
    equal((t.frames("moved"), t.frames("out")), ([b"one", b"two"], [b"three"]))


@test(seconds=90)
def moves_and_SIGUSR1_under_load_lose_nothing(t):
    hub = t.start(LOG)
    messages = [b"%d" % i for i in range(200_000)]
    sending = t.meanwhile(hub.send, "in", messages)
    for i in range(10):
        until(lambda: t.size("out") or not sending.is_alive(), "something was logged")
        if t.path("out").exists():
            t.path("out").rename(t.path(f"moved{i}"))
        hub.process.send_signal(signal.SIGUSR1)
        hub.says("out: reopened", count=i + 1)
    sending.join()
    hub.stop().all_delivered(len(messages))
    moved = [f"moved{i}" for i in range(10) if t.path(f"moved{i}").exists()]
    equal(t.frames(*moved, *(["out"] if t.path("out").exists() else [])), messages)


@test
def the_next_run_appends(t):
    for messages in ([b"one", b"two"], [b"three"]):
        hub = t.start(LOG)
        hub.send("in", messages)
        hub.stop().all_delivered(len(messages))
    equal(t.frames("out"), [b"one", b"two", b"three"])


@test
def a_truncated_last_frame_of_a_crash_is_cut_off_and_reported(t):
    t.path("out").write_bytes(frame(b"whole") + frame(b"truncated frame")[:9])
    hub = t.start(LOG)
    hub.says("out: its last frame was truncated: 9 bytes cut off and kept as out.damaged-1, 1 frame .9 bytes. stay")
    hub.send("in", [b"next"])
    hub.stop().all_delivered(1)
    equal(t.frames("out"), [b"whole", b"next"])
    equal(t.path("out.damaged-1").read_bytes(), frame(b"truncated frame")[:9])


@test
def lines_are_one_a_message_and_jsonl_has_every_byte(t):
    hub = t.start("""
sources: {in: {fifo: in}}
handlers:
  lines: {plugin: log, options: {path: lines, format: lines, sync: always}}
  objects: {plugin: log, options: {path: objects, format: jsonl, sync: never}}
routes: [{from: in, to: [lines, objects]}]
""")
    hub.send("in", [b"two\nlines", b"", EVERY_BYTE, 'say "hi"'.encode()])
    hub.stop().all_delivered(4)
    equal(t.path("lines").read_bytes(), b"two\\nlines\n\n" + EVERY_BYTE.replace(b"\n", b"\\n") + b'\nsay "hi"\n')
    rows = [json.loads(line) for line in t.path("objects").read_text().splitlines()]
    equal([r.get("text") for r in rows], ["two\nlines", "", None, 'say "hi"'])
    equal(base64.b64decode(rows[2]["base64"]), EVERY_BYTE)
    equal([(r["source"], r["sequence"], r["size"]) for r in rows], [("in", 1, 9), ("in", 2, 0), ("in", 3, 256), ("in", 4, 8)])


@test
def a_missing_folder_makes_messages_wait_until_it_is_there(t):
    hub = t.start(LOG.replace("path: out", "path: later/out"))
    hub.says("out: disconnected: cannot open .*later/out: the folder .*later does not exist")
    hub.send("in", [b"one", b"two"])
    os.mkdir(t.path("later"))
    hub.says("out: connected again")
    hub.stop().all_delivered(2)
    equal(frames_in(t.path("later/out").read_bytes()), [b"one", b"two"])


@test
def two_logs_cannot_share_a_file(t):
    hub = t.start(LOG)
    other = t.start("drain_timeout: 300ms\n" + LOG.replace("fifo: in", "fifo: other"))
    other.says("another program or handler holds .*/out")
    hub.send("in", [b"once"])
    other.send("other", [b"waits"])
    other.stop().says("in", accepted=1).says("in -> out", in_flight=1)
    hub.stop().all_delivered(1)
    equal(t.frames("out"), [b"once"])


@test
def two_logs_of_one_hub_on_one_file_are_a_mistake_of_its_configuration(t):
    t.path("link").symlink_to("out")
    said = t.hub("""
sources: {in: {fifo: in}}
handlers:
  first: {plugin: log, options: {path: out, format: frames}}
  second: {plugin: log, options: {path: link, format: frames}}
routes: [{from: in, to: [first, second]}]
""").fails_to_start(status=78)
    assert f"two handlers write to one file, {t.path('out')}" in said, said
    assert "handler 'first' names it at" in said, said


@test
def a_file_that_is_deleted_while_the_hub_runs_is_opened_anew(t):
    hub = t.start(LOG)
    hub.send("in", [b"one"])
    t.until_logged("out", [b"one"])
    t.path("out").unlink()
    hub.send("in", [b"two"])
    t.until_logged("out", [b"two"])
    hub.says("out was deleted: opened anew")
    hub.stop().all_delivered(2)


# ---- a file a device

DEVICES = """
data_dir: state
sources: {in: {fifo: in}}
handlers:
  out:
    plugin: log
    options: {path: "devices/{json:/device|unknown}.log", %s}
routes: [{from: in, to: out}]
"""


def reading(device, number):
    return json.dumps({"device": device, "number": number}).encode()


def lines_of(t, name):
    return t.path(f"devices/{name}.log").read_bytes().splitlines()


@test
def each_device_has_a_file_and_every_message_is_in_one(t):
    hub = t.start(DEVICES % "create_folders: true, max_open_files: 10")
    sent = [reading(f"d{i * i % 37}", i) for i in range(4_000)] + [b"no JSON"]
    hub.send("in", sent)
    hub.stop().all_delivered(len(sent))
    for device in {f"d{i * i % 37}" for i in range(37)}:
        equal(lines_of(t, device), [m for m in sent if b'"%s"' % device.encode() in m])
    equal(lines_of(t, "unknown"), [b"no JSON"])


@test
def names_stay_in_the_folder_and_what_names_nothing_is_dead_lettered_with_the_reason(t):
    t.path("devices").mkdir()
    hub = t.start((DEVICES % "max_files: 3").replace("|unknown", ""))
    hub.send("in", [reading(d, 0) for d in ("../out", "a", "/etc/x", "a", "one too many", ".", "a")] + [b"no JSON"])
    hub.says("it asks for one more file than max_files .3.", seconds=20)
    account = hub.stop().says("in", accepted=8)
    account.says("in -> out", matched=8, delivered=5, dead_lettered=3)
    equal(sorted(p.name for p in t.path("devices").iterdir()), ["%2E.%2Fout.log", "%2Fetc%2Fx.log", "a.log"])
    letters = b"".join(p.read_bytes() for p in t.path("state").rglob("dead-letters.log*"))
    for said in (b"one more file than max_files", b"its payload is no JSON"):
        assert said in letters, said
    assert not t.path("out.log").exists()


@test
def a_file_that_another_program_holds_keeps_only_its_own_messages(t):
    t.path("devices").mkdir()
    held = t.path("devices/b.log").open("wb")
    fcntl.flock(held, fcntl.LOCK_EX)
    hub = t.start(DEVICES % "sync: never")
    hub.send("in", [reading("abc"[i % 3], i) for i in range(30)])
    of = {device: [reading(device, i) for i in range(30) if "abc"[i % 3] == device] for device in "abc"}
    until(lambda: [lines_of(t, d) for d in "ac" if t.path(f"devices/{d}.log").exists()] == [of["a"], of["c"]], "the other devices have all")
    hub.says("another program or handler holds .*/devices/b.log")
    until(lambda: hub.account_now().of("in -> out")["dead_lettered"] == 10, "it is not waited for")
    held.close()
    until(lambda: hub.send("in", [reading("b", 30)]) or lines_of(t, "b"), "it is written to once it can be", seconds=20)
    account = hub.stop()
    account.of("in"), account.of("in -> out")
    equal(set(lines_of(t, "b")), {reading("b", 30)})


@test
def what_a_file_does_not_get_for_long_is_dead_lettered_with_the_reason(t):
    t.path("devices").mkdir()
    held = t.path("devices/b.log").open("wb")
    fcntl.flock(held, fcntl.LOCK_EX)
    hub = t.start(DEVICES % "sync: never")
    hub.send("in", [reading("b", 1), reading("a", 1)])
    until(lambda: hub.account_now().of("in -> out")["dead_lettered"] == 1, "it is dead-lettered", seconds=40)
    hub.send("in", [reading("b", 2), reading("a", 2), reading("b", 3)])
    hub.stop().says("in", accepted=5).says("in -> out", matched=5, delivered=2, dead_lettered=3)
    equal(lines_of(t, "a"), [reading("a", 1), reading("a", 2)])
    letters = b"".join(p.read_bytes() for p in t.path("state").rglob("dead-letters.log*"))
    equal(letters.count(b"another program or handler holds"), 3)
    held.close()


@test
def SIGUSR1_opens_each_device_s_file_anew(t):
    t.path("devices").mkdir()
    hub = t.start(DEVICES % "sync: never")
    hub.send("in", [reading("a", 1), reading("b", 2)])
    until(lambda: t.size("devices/b.log"), "both are written")
    t.path("devices/a.log").rename(t.path("moved"))
    hub.process.send_signal(signal.SIGUSR1)
    hub.says("out: reopened")
    hub.send("in", [reading("a", 3), reading("b", 4)])
    hub.stop().all_delivered(4)
    equal((t.path("moved").read_bytes().splitlines(), lines_of(t, "a")), ([reading("a", 1)], [reading("a", 3)]))
    equal(lines_of(t, "b"), [reading("b", 2), reading("b", 4)])


@test
def check_says_what_is_wrong_with_a_template_and_where(t):
    said = t.hub(DEVICES.replace("/device|", "device|") % "keep: 1").fails_to_start(status=78)
    assert "handler 'out': path: {json:device|unknown}: a JSON pointer begins with a slash; write {json:/device|unknown}" in said, said
    assert ":9:21" in said, said


@test
def files_that_may_be_open_are_counted_before_the_start(t):
    t.only_uninstrumented()
    said = t.hub(DEVICES % "max_open_files: 500", files_max=(100, 100)).fails_to_start(status=78)
    assert "this configuration may need 558 open files, and the limit is 100" in said, said
