# SPDX-License-Identifier: Apache-2.0
"""client.c once more, with the client library in Python: the same commands say the same."""

import json
import os
import pathlib
import signal
import sys
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "sdk/python/src"))

from standpipe.client import Receiver, Requester, Sender, Worker, reply  # noqa: E402
from writer import content  # noqa: E402

WAIT = 60.0


def send(fifo, *sizes):
    with Sender(fifo, WAIT) as out:
        for number, size in enumerate(sizes):
            out.send(content(number, int(size)), WAIT)


def receive(fifo, count):
    with Receiver(fifo) as messages:
        for _, message in zip(range(int(count)), messages):
            print(len(message), zlib.crc32(message), flush=True)


def print_work(one):
    print(len(one.data), zlib.crc32(one.data), one.attempt, flush=True)


def work(fifo, patience_ms):
    with Worker(fifo, attempts_max=0) as worker:
        while one := worker.receive(int(patience_ms) / 1000):
            print_work(one)
            worker.acknowledge()


def hold(fifo):
    worker = Worker(fifo)
    print_work(worker.receive(WAIT))
    signal.pause()


def request(fifo, folder, count):
    with Requester(fifo, folder, WAIT) as service:
        for n in range(1, int(count) + 1):
            print(json.dumps(service.request({"n": n}, WAIT), separators=(",", ":")), flush=True)


def serve(fifo, folder, count):
    with Receiver(fifo) as requests:
        for _, asked in zip(range(int(count)), requests):
            name, n = json.loads(asked)["reply_to"], json.loads(asked)["n"]
            with Sender(os.path.join(folder, name), WAIT) as to:
                reply(to, asked, {"seen": str(n)}, WAIT)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
