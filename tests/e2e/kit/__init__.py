# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests are written in. A test is a function that is given a `Bench`:

    hub = t.start(YAML)                 a hub in the test's own folder, serving
    hub.send("in", [b"one", b"two"])    frames into a FIFO
    t.reader("out").take(2)             frames out of a FIFO
    t.frames("log")                     frames in a file
    hub.stop().all_delivered(2)         SIGTERM; the account closes and says what the test expects

A hub that was started must be stopped, and each line of its account must be asserted, or the test fails.
"""

from kit.account import Account
from kit.bench import Bench
from kit.fifo import Reader, Writer, bytes_waiting, frame, frames_in, stream
from kit.hub import Hub
from kit.registry import test
from kit.timing import SLOW, equal, until

__all__ = ["Account", "Bench", "Hub", "Reader", "SLOW", "Writer", "bytes_waiting", "equal", "frame", "frames_in", "stream", "test", "until"]
