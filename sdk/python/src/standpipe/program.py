# SPDX-License-Identifier: Apache-2.0
"""The streams of a program that the plugin exec runs. Not for users of the package."""

import io
import os
import sys
from typing import Tuple

PROTOCOL = "1"


def take_streams(kind: str) -> Tuple[int, int]:
    """Descriptors of what comes from the hub and what goes to it. From then on `print` goes to standard error, which is logged, and
    what this program starts finds an empty standard input."""
    spoken = os.environ.get("STANDPIPE_EXEC")
    if spoken is None:
        sys.exit(f"error: this {kind} speaks with a hub\n  help: name it in a configuration: plugin: exec, options: {{ command: [...] }}")
    if spoken != PROTOCOL:
        sys.exit(f"error: this {kind} speaks version {PROTOCOL} of exec's protocol, and the hub {spoken}")
    asked = os.environ.get("STANDPIPE_EXEC_KIND")
    if asked != kind:
        sys.exit(f"error: this is a {kind}, and the configuration has it as a {asked}")
    from_hub, to_hub = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdout.flush()
    os.dup2(2, 1)
    if isinstance(sys.stdout, io.TextIOWrapper):  # else a line would come when there are thousands
        sys.stdout.reconfigure(line_buffering=True)
    return from_hub, to_hub


def write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def one_line(text: str, most: int = 400) -> bytes:
    """A reason: records are lines."""
    return " ".join(text.split()).encode(errors="replace")[:most]
