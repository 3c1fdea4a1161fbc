# SPDX-License-Identifier: Apache-2.0
"""A hub of root in a folder where another user plants links, files and FIFOs: it follows and uses none of them."""

import os

from kit import bytes_waiting, equal, frame, test, until
from sources_test import SOMEBODY_ELSE, needs_root

ONE = """
drain_timeout: 300ms
sources: {in: {fifo: in}}
handlers: {out: {%s}}
routes: [{from: in, to: out}]
"""


def shared_folder(t):
    t.path("shared").mkdir()
    t.path("shared").chmod(0o1777)
    return t.path("shared")


def given_away(path):
    os.chown(path, SOMEBODY_ELSE, SOMEBODY_ELSE, follow_symlinks=False)


def planted_link(path, target):
    os.symlink(target, path)
    given_away(path)


@test
def a_log_is_not_made_where_another_users_link_leads(t):
    needs_root()
    planted_link(shared_folder(t) / "log", t.path("victim"))
    hub = t.start(ONE % "plugin: log, options: {path: shared/log}")
    hub.says(f"shared/log is a symbolic link made by user {SOMEBODY_ELSE}, not by you")
    hub.send("in", [b"secret"])
    t.path("shared/log").unlink()
    hub.says("out: connected again")
    hub.stop().all_delivered(1)
    assert not t.path("victim").exists()
    equal(t.path("shared/log").read_bytes(), b"secret\n")


@test
def nothing_is_written_into_another_users_file_unless_others_are_trusted(t):
    needs_root()
    theirs = shared_folder(t) / "log"
    theirs.touch()
    given_away(theirs)
    hub = t.start(ONE % "plugin: log, options: {path: shared/log}")
    hub.says(f"shared/log belongs to user {SOMEBODY_ELSE}, in a folder that anyone may write to")
    hub.send("in", [b"secret"])
    hub.stop().says("in", accepted=1).says("in -> out", in_flight=1)
    equal(theirs.read_bytes(), b"")
    hub = t.start(ONE % "plugin: log, options: {path: shared/log, trust: others}")
    hub.send("in", [b"secret"])
    hub.stop().all_delivered(1)
    equal(theirs.read_bytes(), b"secret\n")


@test
def an_output_that_another_user_replaces_while_nobody_reads_is_not_opened(t):
    needs_root()
    shared_folder(t)
    hub = t.start(ONE % "plugin: forward, options: {fifo: shared/out}")
    hub.send("in", [b"first"])
    reader = os.open(t.path("shared/out"), os.O_RDONLY | os.O_NONBLOCK)
    until(lambda: bytes_waiting(reader), "the first message came")
    equal(os.read(reader, 100), frame(b"first"))
    os.close(reader)
    t.path("shared/out").unlink()
    os.mkfifo(t.path("trap"), 0o666)
    planted_link(t.path("shared/out"), t.path("trap"))
    trap = os.open(t.path("trap"), os.O_RDONLY | os.O_NONBLOCK)
    hub.send("in", [b"secret"])
    hub.says(f"shared/out is a symbolic link made by user {SOMEBODY_ELSE}, not by you")
    equal(bytes_waiting(trap), 0)
    os.close(trap)
    t.path("shared/out").unlink()
    hub.stop().says("in", accepted=2).says("in -> out", delivered=1, in_flight=1)


@test
def a_source_in_another_users_folder_is_refused_and_the_key_forces_it(t):
    needs_root()
    t.path("theirs").mkdir()
    given_away(t.path("theirs"))
    yaml = "sources: {in: {fifo: theirs/in%s}}\nhandlers: {out: {plugin: log, options: {path: out}}}\nroutes: [{from: in, to: out}]\n"
    said = t.hub(yaml % "").fails_to_start(status=78)
    assert f"theirs belongs to user {SOMEBODY_ELSE}, who can replace what is in it" in said, said
    assert "set trust: others" in said, said
    hub = t.start(yaml % ", trust: others")
    hub.send("theirs/in", [b"trusted"])
    hub.stop().all_delivered(1)


@test
def a_data_dir_of_another_user_is_refused(t):
    needs_root()
    t.path("state").mkdir()
    given_away(t.path("state"))
    said = t.hub("data_dir: state\n" + ONE % "plugin: log, options: {path: out}").fails_to_start()
    assert f"state belongs to user {SOMEBODY_ELSE}" in said and "set data_dir to another folder" in said, said
