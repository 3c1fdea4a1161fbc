#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A ZeroMQ program for tests. A line of its files is a message: a JSON list of its frames in base64.

    zmq_peer.py recv|send TYPE bind|connect ENDPOINT FILE [OPTION=VALUE ...]
    zmq_peer.py keys

Options are of zmq, in lower case. `send` ends when all is sent; sending as xpub, it waits for a subscription first.
"""

import base64
import json
import sys

import zmq


def socket(kind, way, endpoint, options):
    made = zmq.Context.instance().socket(getattr(zmq, kind.upper()))
    for option in options:
        name, _, value = option.partition("=")
        made.setsockopt(getattr(zmq, name.upper()), int(value) if value.isdigit() else value.encode())
    getattr(made, way)(endpoint)
    return made


def receive(made, path):
    with open(path, "a", encoding="ascii") as file:
        while True:
            frames = made.recv_multipart()
            print(json.dumps([base64.b64encode(frame).decode() for frame in frames]), file=file, flush=True)


def send(made, kind, path):
    if kind == "xpub":
        made.recv()
    with open(path, encoding="ascii") as file:
        for line in file:
            made.send_multipart([base64.b64decode(frame) for frame in json.loads(line)])
    made.close(linger=30_000)
    zmq.Context.instance().term()


if sys.argv[1] == "keys":
    print(*(key.decode() for key in zmq.curve_keypair()))
else:
    verb, kind, way, endpoint, path, *options = sys.argv[1:]
    made = socket(kind, way, endpoint, options)
    receive(made, path) if verb == "recv" else send(made, kind, path)
