# SPDX-License-Identifier: Apache-2.0
"""A rival: the reader of tests/interop, which polls and reads a message in two pieces, and passes each on in one write.

    python3 pass.py IN OUT
"""

import contextlib
import os
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))
from reader import messages  # noqa: E402

fifo = os.open(sys.argv[1], os.O_RDONLY | os.O_NONBLOCK)
out = os.open(sys.argv[2], os.O_WRONLY)
with contextlib.suppress(EOFError):
    for message in messages(fifo):
        os.write(out, struct.pack("<I", len(message)) + message)
