#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A handler in Python for the plugin exec: orders in JSON become lines of a CSV file. What is no order is rejected, with the reason."""

import csv
import sys

import standpipe


class Orders(standpipe.Handler):
    def __init__(self, path):
        self.path = path

    def open(self):
        try:
            self.file = open(self.path, "a", newline="")
        except OSError as error:
            raise standpipe.Disconnected(f"cannot open {self.path}: {error.strerror}")
        self.lines = csv.writer(self.file)

    def handle(self, message):
        try:
            order = message.json()
            line = [order["id"], order["customer"], int(order["amount"])]
        except (ValueError, KeyError, TypeError) as error:
            raise standpipe.Reject(f"it is no order: {error}")
        self.lines.writerow(line)
        self.file.flush()

    def close(self):
        self.file.close()


if __name__ == "__main__":
    Orders(sys.argv[1]).run()
