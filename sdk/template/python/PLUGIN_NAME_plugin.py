#!/usr/bin/env python3
"""Says how long each message is, and rejects those that are empty. Make it do what you need."""

import sys

import standpipe


class PLUGIN_CLASS(standpipe.Handler):
    def __init__(self, prefix="got "):
        self.prefix = prefix

    def handle(self, message):
        if not message.payload:
            raise standpipe.Reject("it is empty")
        print(f"{self.prefix}{len(message.payload)} bytes")  # into the hub's log


if __name__ == "__main__":
    PLUGIN_CLASS(*sys.argv[1:]).run()
