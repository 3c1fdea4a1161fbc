#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A source in Python for the plugin exec: the lines of a file, also those that are appended later. After a restart it goes on with
the line after the last one that the hub has: `resume` is the offset in the file."""

import sys

import standpipe


class Follow(standpipe.Source):
    def __init__(self, path):
        self.path = path

    def messages(self, resume):
        try:
            file = open(self.path, "rb")
        except OSError as error:
            raise standpipe.Disconnected(f"cannot open {self.path}: {error.strerror}")
        offset = int(resume or 0)
        file.seek(offset)
        while True:
            line = file.readline()
            if not line.endswith(b"\n"):  # nothing, or a line that has not ended yet
                file.seek(offset)
                yield None
                continue
            offset += len(line)
            yield standpipe.Put(line[:-1], {"file": self.path}, resume=str(offset))


if __name__ == "__main__":
    Follow(sys.argv[1]).run()
