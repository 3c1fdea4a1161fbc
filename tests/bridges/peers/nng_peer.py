#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A program of nng (libnng.so.1) for tests. A line of its files is a message: a JSON list with it in base64.

    nng_peer.py recv|send PROTOCOL listen|dial URL FILE [SUBSCRIBE]

`recv rep0` replies to what is in FILE. `send req0` waits for each reply. `send` says "sent" and stays, since nng forgets what it
has queued when it is closed; one more line on its standard input ends it.
"""

import base64
import ctypes
import json
import sys

nng = ctypes.CDLL("libnng.so.1")
ALLOC = 1
NONBLOCK = 2


class Socket(ctypes.Structure):
    _fields_ = [("id", ctypes.c_uint32)]


def check(status):
    if status:
        nng.nng_strerror.restype = ctypes.c_char_p
        sys.exit(f"nng: {nng.nng_strerror(status).decode()}")


def open_socket(protocol, way, url, topic):
    made = Socket()
    check(getattr(nng, f"nng_{protocol}_open")(ctypes.byref(made)))
    if protocol == "sub0":
        check(nng.nng_socket_set(made, b"sub:subscribe", topic, ctypes.c_size_t(len(topic))))
    check(getattr(nng, f"nng_{way}")(made, url.encode(), None, NONBLOCK if way == "dial" else 0))
    return made


def receive(made):
    data, size = ctypes.c_void_p(), ctypes.c_size_t()
    check(nng.nng_recv(made, ctypes.byref(data), ctypes.byref(size), ALLOC))
    payload = ctypes.string_at(data, size.value)
    nng.nng_free(data, size)
    return payload


def send(made, payload):
    check(nng.nng_send(made, payload, ctypes.c_size_t(len(payload)), 0))


def main(verb, protocol, way, url, path, topic=""):
    made = open_socket(protocol, way, url, topic.encode())
    if verb == "recv":
        with open(path, "a", encoding="ascii") as file:
            while True:
                print(json.dumps([base64.b64encode(receive(made)).decode()]), file=file, flush=True)
                if protocol == "rep0":
                    send(made, b"")
    with open(path, encoding="ascii") as file:
        for line in file:
            send(made, base64.b64decode(json.loads(line)[0]))
            if protocol == "req0":
                receive(made)
    print("sent", flush=True)
    sys.stdin.readline()


main(*sys.argv[1:])
