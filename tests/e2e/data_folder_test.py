# SPDX-License-Identifier: Apache-2.0
"""Whatever stands in data_dir at a name of the hub's own: it is moved aside and told, the hub starts, and no message is lost."""

import os
import re
import socket

from kit import equal, process, test
from sources_test import needs_root, open_to_anyone
from spill_test import NEXT, left, numbered, spills, yaml

FILES = ["lock", "running", "running.tmp", "stopped", "resume", "dead-letters.log", "dead-letters-3.log", "dead-letters-replayed.log"]
FOLDERS = ["spill", "queue", "queue/in", "queue/in/next"]
QUEUED = NEXT.replace("}}", "}, queue: {type: disk}}")


def make_socket(path):
    """By a path that is short enough, for the test's folder may not be."""
    here = os.open(path.parent, os.O_PATH)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(f"/proc/self/fd/{here}/{path.name}")
    os.close(here)


def make_folder(path):
    path.mkdir()
    (path / "note").write_text("somebody's")


KINDS = {
    "a FIFO": os.mkfifo,
    "a socket": make_socket,
    "a symbolic link": lambda path: os.symlink("/dev/zero", path),
    "a folder": make_folder,
    "a regular file": lambda path: path.write_text("garbage, and more than a header of it"),
}


def delivered_by_the_next_hub(t, messages):
    hub = t.start(yaml(QUEUED))
    equal(t.reader("next").take(len(messages)), messages)
    hub.stop().all_delivered(len(messages))
    assert "foreign" not in hub.stderr(), hub.stderr()


def put(t, kind, names):
    for name in names:
        path = t.path("state") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        KINDS[kind](path)


def moved(t, hub, kind, names):
    """Each with one warning, and to where it says."""
    said = hub.stderr()
    for name in names:
        path = t.path("state") / name
        what = "file" if name in FILES else "folder"
        equal(said.count(f"warning: {path} is {kind}, and no {what} of the hub's: it is moved to {path}.foreign\n"), 1, f"warnings for {name}")
        assert os.path.lexists(f"{path}.foreign"), name
    equal(said.count(": it is moved to "), len(names), said)
    assert not re.search("error: |not whole|did not end by itself|cannot ", said), said


@test
def a_fifo_in_the_place_of_each_file_and_folder_is_moved_aside(t):
    in_the_place_of_all(t, "a FIFO", FILES + ["spill", "queue/in/next"])


@test
def a_socket_in_the_place_of_each_file_and_folder_is_moved_aside(t):
    in_the_place_of_all(t, "a socket", FILES + ["spill", "queue/in"])


@test
def a_link_to_a_device_in_the_place_of_each_file_and_folder_is_moved_aside(t):
    in_the_place_of_all(t, "a symbolic link", FILES + ["spill", "queue"])


@test
def a_folder_in_the_place_of_each_file_is_moved_aside_with_what_is_in_it(t):
    in_the_place_of_all(t, "a folder", FILES)
    for name in FILES:
        equal((t.path("state") / f"{name}.foreign/note").read_text(), "somebody's")


@test
def a_file_in_the_place_of_each_folder_is_moved_aside(t):
    in_the_place_of_all(t, "a regular file", ["spill", "queue/in"])


def in_the_place_of_all(t, kind, names):
    put(t, kind, names)
    moved(t, left(t, numbered(10)), kind, names)
    equal(spills(t), ["in-1.log"])
    delivered_by_the_next_hub(t, numbered(10))


@test
def garbage_in_the_place_of_each_file_costs_no_start(t):
    put(t, "a regular file", FILES)
    hub = left(t, numbered(10))
    assert "error: " not in hub.stderr() and "foreign" not in hub.stderr(), hub.stderr()
    delivered_by_the_next_hub(t, numbered(10))


@test
def a_file_that_the_hubs_user_may_not_read_is_moved_aside(t):
    needs_root()
    open_to_anyone(t)
    names = ["lock", "running", "stopped", "resume", "dead-letters.log"]
    put(t, "a regular file", names)
    os.chown(t.path("state"), process.NOBODY, -1)
    for name in names:
        (t.path("state") / name).chmod(0)
    hub = t.start(yaml(NEXT), user=process.NOBODY)
    hub.stop().all_delivered(0)
    equal(hub.stderr().count("cannot be opened (Permission denied), and no file of the hub's: it is moved to "), len(names), hub.stderr())


@test
def a_folder_that_may_have_saved_messages_and_leads_nowhere_is_refused_with_the_remedy(t):
    left(t, numbered(10))
    spill, disk = t.path("state/spill"), t.path("disk")
    spill.rename(disk)
    spill.symlink_to(t.path("not-mounted"))
    said = t.hub(yaml(NEXT)).fails_to_start()
    assert re.search(r"state/spill is a symbolic link that leads nowhere now .*, and what earlier runs saved may be in it\n.*help: .*mount", said), said
    equal(said.count("error: "), 1)
    spill.unlink()
    spill.symlink_to(disk)  # on another disk, which is there
    hub = t.start(yaml(NEXT))
    equal(t.reader("next").take(10), numbered(10))
    hub.stop().all_delivered(10)


@test
def a_folder_of_saved_messages_that_keeps_the_hub_out_is_refused_with_the_remedy(t):
    needs_root()
    open_to_anyone(t)
    put(t, "a folder", ["spill"])
    os.chown(t.path("state"), process.NOBODY, -1)
    t.path("state/spill").chmod(0o700)  # root's
    said = t.hub(yaml(NEXT), user=process.NOBODY).fails_to_start()
    assert "state/spill cannot be looked into (Permission denied), and what earlier runs saved may be in it\n  help: give the hub's user rwx" in said, said
