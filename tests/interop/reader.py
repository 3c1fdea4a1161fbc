# SPDX-License-Identifier: Apache-2.0
"""The well-known reader: it creates a FIFO, polls it, reads 4 bytes, then the content.

    python3 reader.py FIFO COUNT     prints each message's size and CRC-32, and ends after COUNT

Its descriptor does not block, so a read may give less than was asked for, or nothing for now: a frame longer than the pipe, or one
that is still being written, arrives in pieces. It continues reading until the content is whole, as such a program must.
"""

import os
import select
import struct
import sys
import zlib


def read_exactly(fd, poll, size):
    data = b""
    while len(data) < size:
        poll.poll()
        try:
            piece = os.read(fd, size - len(data))
        except BlockingIOError:
            continue
        if not piece:
            raise EOFError(f"the writer left after {len(data)} of {size} bytes")
        data += piece
    return data


def messages(fd):
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    while True:
        (size,) = struct.unpack("<I", read_exactly(fd, poll, 4))
        yield read_exactly(fd, poll, size)


def main(path, count):
    os.mkfifo(path)
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    for _, message in zip(range(count), messages(fd)):
        print(len(message), zlib.crc32(message), flush=True)
    os.close(fd)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
