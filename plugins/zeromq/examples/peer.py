#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Takes what a handler of Standpipe sends with `ack: true`, as PROTOCOL.md has it: ./peer.py ENDPOINT FILE

Each message is a line of FILE. An answer goes out only when the file is on the disk, so nothing is lost if this is killed.
"""

import os
import struct
import sys

import zmq

router = zmq.Context().socket(zmq.ROUTER)
router.bind(sys.argv[1])
file = open(sys.argv[2], "ab")
received = {}  # of each session, the last batch that is in the file

while True:
    peer, head, *frames = router.recv_multipart()
    magic, flags, session, base, id = struct.unpack("<4sIQQQ", head)
    last = max(received.get(session, 0), base - 1)  # what is below base is safe
    if id > last + 1:
        continue  # one before it is missing: both will be sent again
    if id == last + 1:
        for payload in frames[1::2] if flags & 1 else frames:  # with metadata, a frame of it is before each payload
            file.write(payload + b"\n")
        file.flush()
        os.fsync(file.fileno())
        last = id
    received[session] = last
    router.send_multipart([peer, struct.pack("<4sIQQ", b"SPA1", 0, session, last)])
