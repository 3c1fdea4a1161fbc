# SPDX-License-Identifier: Apache-2.0
"""The well-known writer: it opens a FIFO and writes each message in one call.

    python3 writer.py FIFO SIZE...     a message of each size, its content numbered
"""

import os
import struct
import sys


def content(number, size):
    return (b"%d " % number * (size // 2 + 1))[:size]


def main(path, sizes):
    fd = os.open(path, os.O_WRONLY)
    for number, size in enumerate(sizes):
        message = content(number, size)
        os.write(fd, struct.pack("<I", len(message)) + message)
    os.close(fd)


if __name__ == "__main__":
    main(sys.argv[1], [int(size) for size in sys.argv[2:]])
