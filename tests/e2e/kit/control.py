# SPDX-License-Identifier: Apache-2.0
"""Asks a running hub at its control socket, as router/control/client.cpp does: one request, one answer."""

import os
import socket

from kit.timing import SLOW, until


def ask(path, request):
    """The whole answer. Of a worker that dies meanwhile there is none, and the next one is asked."""
    return until(lambda: _answer(path, request), f"the hub at {path} answers {request}")


def _answer(path, request):
    """None: it broke off."""
    with socket.socket(socket.AF_UNIX) as asked:
        asked.settimeout(20 * SLOW)
        folder = os.open(path.parent, os.O_PATH)  # for a path may be longer than an address
        try:
            asked.connect(f"/proc/self/fd/{folder}/{path.name}")
        finally:
            os.close(folder)
        try:
            asked.sendall(request.encode() + b"\n")
            answer = b"".join(iter(lambda: asked.recv(1 << 16), b""))
        except (ConnectionResetError, BrokenPipeError):
            return None
    head, _, body = answer.partition(b"\n")
    assert not answer.startswith(b"error: "), f"asked for {request}, the hub at {path} says {answer.decode()}"
    return body if head == b"ok %d" % len(body) else None
