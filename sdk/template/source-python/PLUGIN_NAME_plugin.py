#!/usr/bin/env python3
"""Brings a number every so often, and goes on where it was. Make it bring what you need."""

import sys
import time

import standpipe


class PLUGIN_CLASS(standpipe.Source):
    def __init__(self, prefix="number ", every="1"):
        self.prefix = prefix
        self.every = float(every)  # seconds

    def messages(self, resume):
        """`resume` is that of the last message that the hub has kept, and empty at the very first start. The hub keeps both
        together, so after any death each number comes once."""
        try:
            number = int(resume or 1)
        except ValueError:
            raise standpipe.Fatal("its place in the hub's state is no number: it was another program's") from None
        while True:
            yield standpipe.Put(f"{self.prefix}{number}", resume=str(number + 1))
            number += 1
            time.sleep(self.every)  # KeyboardInterrupt ends it when the hub stops


if __name__ == "__main__":
    PLUGIN_CLASS(*sys.argv[1:]).run()
