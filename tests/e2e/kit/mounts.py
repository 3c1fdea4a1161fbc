# SPDX-License-Identifier: Apache-2.0
"""File systems of a test's own, in a name space of its own, so that nobody else sees them."""

import os
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
