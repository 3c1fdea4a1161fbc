#!/usr/bin/env python3
"""Makes a new message of each, and rejects those that are empty. Make it do what you need."""

import sys

import standpipe


class PLUGIN_CLASS(standpipe.Handler):
    def __init__(self, prefix="got "):
        self.prefix = prefix.encode()

    def handle(self, message):
        if not message.payload:
            raise standpipe.Reject("it is empty")
        # It has the metadata of its message, too, and takes effect together with that one's outcome: there is one for one.
        self.emit(self.prefix + message.payload)


if __name__ == "__main__":
    PLUGIN_CLASS(*sys.argv[1:]).run()
