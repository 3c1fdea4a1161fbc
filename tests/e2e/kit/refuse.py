# SPDX-License-Identifier: Apache-2.0
"""A kernel that refuses system calls, as file systems do that lack what they are for: by a seccomp filter, for a child and all it
starts."""

import ctypes
import platform
import struct

# Where they differ between machines only those that are needed are here; elsewhere such tests are skipped.
_NUMBERS = {
    "x86_64": {"flock": [73], "chmod": [90, 268, 452], "mknod": [133, 259]},
    "aarch64": {"flock": [32], "chmod": [53, 452], "mknod": [33]},
}.get(platform.machine(), {})

_LOAD_NUMBER, _IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_REFUSE, _ALLOW = 0x00050000, 0x7FFF0000
_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _FILTER = 22, 38, 2


def can_refuse(*calls):
    return all(call in _NUMBERS for call in calls)


def refuse(errors):
    """From now on this process gets these errors: {"flock": errno.ENOLCK}. Not to be taken back."""
    program = [(_LOAD_NUMBER, 0, 0, 0)]
    for call, error in errors.items():
        for number in _NUMBERS[call]:
            program += [(_IF_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE | error)]
    program.append((_RETURN, 0, 0, _ALLOW))
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    filtering = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(_PR_SET_SECCOMP, _FILTER, filtering, 0, 0):
        raise OSError(ctypes.get_errno(), "cannot filter system calls")
