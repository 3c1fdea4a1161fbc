# SPDX-License-Identifier: Apache-2.0
"""What program.c is, as a handler of the Python package: program.py MESSAGES WARM SAY"""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "sdk/python/src"))
import standpipe  # noqa: E402


class Counter(standpipe.Handler):
    def __init__(self, all, warm, path):
        self.all, self.warm = all, warm
        self.said = open(path, "w", buffering=1)
        self.messages = self.bytes = 0

    def handle(self, message):
        self.messages += 1
        self.bytes += len(message.payload)
        if self.messages == self.warm:
            self.said.write(f"mark {time.monotonic():.9f}\n")
        if self.messages == self.all:
            self.said.write(f"end {time.monotonic():.9f}\ncounted {self.messages} {self.bytes}\n")


Counter(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]).run()
