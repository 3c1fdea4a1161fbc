# SPDX-License-Identifier: Apache-2.0
"""File systems of a test's own, in a name space of its own, so that nobody else sees them."""

import ctypes
import os
import pathlib
import stat
import subprocess

from . import process
from .bench import Skip

_REFUSED = 99  # the script's status when it could not mount


def run_with_mounts(folder, mounts, command, *arguments):
    """Standard error of a shell's `command` ("$1" ...: the arguments) after its `mounts`. Skips where that is not allowed: by
    another user than root, in a container, and in a chroot, whose root is no mount point."""
    if os.geteuid() != 0:
        raise Skip("only root can mount a file system")
    apart = ["unshare", "--mount"]
    allowed = subprocess.run([*apart, "true"], capture_output=True, text=True)
    if allowed.returncode:
        raise Skip("this place has no mounts of its own: " + allowed.stderr.strip())
    script = f"{{ {mounts}; }} || exit {_REFUSED}; {command}"
    done = subprocess.run([*apart, "sh", "-c", script, "sh", *arguments], cwd=folder, env=process.environment(folder), capture_output=True, text=True)
    if done.returncode == _REFUSED:
        raise Skip("this place does not let even root mount: " + done.stderr.strip())
    return done.stderr


# ---- other hubs on the machine

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNS, _MS_REC, _MS_PRIVATE = 0x20000, 0x4000, 1 << 18


def only_hubs_of_this_test():
    """Options of a command that looks for hubs: it finds those of this test alone, though others run on the machine. Skips where
    one does and cannot be hidden."""
    folders = [pathlib.Path("/run/standpipe"), pathlib.Path(f"/run/user/{os.geteuid()}/standpipe"), pathlib.Path(f"/tmp/standpipe-{os.geteuid()}")]
    if "SUDO_UID" in os.environ:
        folders += [pathlib.Path(f"/run/user/{os.environ['SUDO_UID']}/standpipe"), pathlib.Path(f"/tmp/standpipe-{os.environ['SUDO_UID']}")]
    there = [os.fsencode(folder) for folder in folders if folder.is_dir()]
    if os.geteuid() == 0 and subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0:
        return {"enter": lambda: _hide(there)}
    if any(stat.S_ISSOCK(found.lstat().st_mode) for folder in folders for found in folder.glob("**/control*")):
        raise Skip("another hub runs here, and cannot be hidden from this test")
    return {}


def _hide(folders):
    """In a child, before it executes its program."""
    if _libc.unshare(_CLONE_NEWNS) or _libc.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None):
        raise OSError(ctypes.get_errno(), "no name space for mounts")
    for folder in folders:
        if _libc.mount(b"none", folder, b"tmpfs", 0, None):
            raise OSError(ctypes.get_errno(), f"cannot hide {folder}")
