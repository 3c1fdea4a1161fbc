# SPDX-License-Identifier: Apache-2.0
"""Children that do not outlive the test, and the environment they get."""

import ctypes
import os
import pathlib
import resource
import shlex
import shutil
import signal
import subprocess

from kit.refuse import refuse
from kit.timing import SLOW

NOBODY = 65534
_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


def program():
    return pathlib.Path(os.environ["STANDPIPE_TEST_BIN"])


def wrapper():
    """What stands before the hub's command: valgrind, say."""
    return shlex.split(os.environ.get("STANDPIPE_TEST_WRAP", ""))


def is_instrumented():
    """Times and memory of such a hub say nothing."""
    return bool(wrapper()) or SLOW > 1


def test_plugins():
    return program().parent.parent / "lib/standpipe/test-plugins"


def environment(folder):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("XDG_")}
    return {
        **kept,
        "LC_ALL": "C.UTF-8",
        "STANDPIPE_PLUGIN_PATH": str(test_plugins()),
        "XDG_RUNTIME_DIR": str(folder),
        "XDG_STATE_HOME": str(folder),
    }


def spawn(command, *, user=None, umask=None, files_max=None, files_bytes_max=None, limits=None, refuses=None, enter=None, **options):
    """Popen; `user` is a number to become, `files_max` the soft and hard limit of open files, `files_bytes_max` of their size,
    `limits` others, {resource: (soft, hard)} in bytes or seconds, one number for both, `refuses` what the kernel refuses (refuse.py), `enter` what the child does first."""

    def prepare():
        if enter:
            enter()
        if umask is not None:
            os.umask(umask)
        if files_max is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, files_max)
        if files_bytes_max is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (files_bytes_max, files_bytes_max))
        if user is not None and os.geteuid() == 0:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if refuses:
            refuse(refuses)
        for what, most in (limits or {}).items():
            resource.setrlimit(what, most if isinstance(most, tuple) else (most, most))

    return subprocess.Popen([str(c) for c in command], preexec_fn=prepare, **options)


def program_for_anyone(folder):
    """A copy of the program and its plugins that an ordinary user can reach, wherever the checkout lies."""
    here = folder / "program"
    if not here.exists():
        shutil.copytree(program().parent.parent / "lib", here / "lib")
        (here / "bin").mkdir()
        shutil.copy2(program(), here / "bin/standpipe")
        here.chmod(0o755)
    return here / "bin/standpipe"
