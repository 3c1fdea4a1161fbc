# SPDX-License-Identifier: Apache-2.0
"""File systems that lack something: without FIFOs or modes (FAT), without locks (NFS), read-only. Each costs a sentence."""

import errno
import os

from kit import process, test
from kit.bench import Skip
from kit.mounts import run_with_mounts
from kit.refuse import can_refuse
from journey_test import LOG


def on_a_kernel_that_refuses(t, yaml=LOG, **errors):
    if not can_refuse(*errors):
        raise Skip("the numbers of this machine's system calls are not known here")
    return t.hub("data_dir: state\n" + yaml, refuses=errors)


@test
def a_folder_that_cannot_have_fifos_is_reported(t):
    said = on_a_kernel_that_refuses(t, mknod=errno.EPERM).fails_to_start()
    assert f"cannot create {t.path('in')}: the file system of {t.folder} has no FIFOs\n  help: choose a folder on another one" in said, said


@test
def a_folder_whose_files_have_no_modes_is_reported_and_no_fifo_is_left_there(t):
    said = on_a_kernel_that_refuses(t, chmod=errno.EPERM).fails_to_start()
    assert f"cannot set the mode of {t.path('in')}: Operation not permitted\n  help: its file system has no modes" in said, said
    assert not t.path("in").exists()


@test
def a_fifo_whose_mode_cannot_be_changed_is_served_all_the_same(t):
    os.mkfifo(t.path("in"), 0o600)
    hub = on_a_kernel_that_refuses(t, chmod=errno.EPERM).start()
    hub.send("in", [b"one", b"two"])
    hub.stop().all_delivered(2)


@test
def a_data_folder_that_cannot_be_locked_is_refused_with_the_remedy(t):
    for error in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS):
        said = on_a_kernel_that_refuses(t, flock=error).fails_to_start()
        assert f"data_dir: cannot lock {t.path('state')}: {os.strerror(error)}\n  help: its file system has no locks (flock): set data_dir to" in said, said


def said_on_a_read_only_disk(t, yaml):
    """What a hub says of which `disk` is one."""
    t.path("disk").mkdir(exist_ok=True)
    t.path("hub.yaml").write_text("version: 1\ndrain_timeout: 100ms\n" + yaml)
    mounts = "mount -t tmpfs none disk && mkdir -m 700 disk/state && mount -o remount,ro disk"
    return run_with_mounts(t.folder, mounts, 'exec timeout 2 "$1" run hub.yaml', process.program().resolve())


@test
def a_read_only_disk_is_reported_wherever_the_hub_would_write(t):
    disk = t.path("disk")
    said = said_on_a_read_only_disk(t, LOG.replace("fifo: in", "fifo: disk/in"))
    assert f"cannot create {disk}/in: the file system of {disk} is read-only\n  help: choose a folder on another one" in said, said
    for folder in ("state", "none"):
        said = said_on_a_read_only_disk(t, f"data_dir: disk/{folder}\n" + LOG)
        assert "error: data_dir: cannot " in said and f"{disk}/{folder}" in said and ": Read-only file system" in said, said
        assert "set data_dir to " in said, said
    said = said_on_a_read_only_disk(t, "data_dir: state\n" + LOG.replace("path: out", "path: disk/out"))
    assert f"out: disconnected: cannot open {disk}/out: Read-only file system: choose a path on a disk that can be written to" in said, said
