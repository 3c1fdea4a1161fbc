# SPDX-License-Identifier: Apache-2.0
"""Publishes messages to a broker and says when they were acknowledged, as load.c says when they were read.

    python3 publish.py nats|mqtt|redis PORT SIZE COUNT WARM

Messages are made once and sent in large writes, with at most WINDOW of them unacknowledged, so that what is measured is the broker.
"""

import select
import socket
import sys
import time

WINDOW = 8192
CHUNK = 512  # messages a write


class Nats:
    def __init__(self, port, size):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.recv(65536)  # INFO
        stream = b'{"name":"BENCH","subjects":["bench"],"storage":"file","retention":"limits"}'
        self.socket.sendall(b'CONNECT {"verbose":false,"pedantic":false}\r\nSUB made 1\r\nSUB acks 2\r\n')
        self.socket.sendall(b"PUB $JS.API.STREAM.CREATE.BENCH made %d\r\n%s\r\n" % (len(stream), stream))
        answer = b""
        while b'"type"' not in answer:
            answer += self.socket.recv(65536)
        if b'"error"' in answer:
            sys.exit(answer.decode())
        self.message = b"PUB bench acks %d\r\n%s\r\n" % (size, b"x" * size)
        self.rest = b""

    def messages(self, first, count):
        return self.message * count

    def acknowledged(self, data):
        data = self.rest + data
        end = data.rfind(b"\n") + 1
        self.rest = data[end:]
        if b"PING\r\n" in data[:end]:
            self.socket.sendall(b"PONG\r\n")
        if b'"error"' in data:
            sys.exit(data.decode(errors="replace")[:300])
        return data.count(b'"seq":', 0, end)


class Mqtt:
    def __init__(self, port, size):
        # A session that stays, and is away, has a queue: without it messages are for nobody and are dropped.
        away = socket.create_connection(("127.0.0.1", port))
        away.sendall(packet(0x10, b"\0\4MQTT\4\0\0\0" + text("away")) + packet(0x82, b"\0\1" + text("bench") + b"\1"))
        read_exactly(away, 4 + 5)
        away.sendall(b"\xe0\0")
        away.close()
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.sendall(packet(0x10, b"\0\4MQTT\4\2\0\0" + text("bench")))
        read_exactly(self.socket, 4)
        payload = b"x" * size
        self.all = [packet(0x32, text("bench") + (i + 1).to_bytes(2, "big") + payload) for i in range(65535)]
        self.rest = 0

    def messages(self, first, count):
        return b"".join(self.all[(first + i) % 65535] for i in range(count))

    def acknowledged(self, data):
        bytes_ = self.rest + len(data)  # a PUBACK has 4 bytes, and nothing else comes
        self.rest = bytes_ % 4
        return bytes_ // 4


class Redis:
    def __init__(self, port, size):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.message = b"*3\r\n$5\r\nRPUSH\r\n$5\r\nbench\r\n$%d\r\n%s\r\n" % (size, b"x" * size)

    def messages(self, first, count):
        return self.message * count

    def acknowledged(self, data):
        if b"-" in data:
            sys.exit(data.decode(errors="replace")[:300])
        return data.count(b"\n")


def packet(kind, body):
    n, length = len(body), b""
    while True:
        length += bytes([n % 128 | (128 if n > 127 else 0)])
        n //= 128
        if not n:
            return bytes([kind]) + length + body


def text(s):
    return len(s).to_bytes(2, "big") + s.encode()


def read_exactly(s, n):
    while n:
        got = s.recv(n)
        if not got:
            sys.exit("the broker closed the connection")
        n -= len(got)


def main():
    kind, port, size, count, warm = sys.argv[1], *map(int, sys.argv[2:])
    broker = {"nats": Nats, "mqtt": Mqtt, "redis": Redis}[kind](port, size)
    broker.socket.setblocking(False)
    done = publish(broker, 0, warm)  # acknowledgements may come for many at once, so the mark waits until none is missing
    print("mark", time.monotonic(), flush=True)
    publish(broker, done, count)
    print("end", time.monotonic(), flush=True)


def publish(broker, done, until):
    """So many as are missing of `until`, and waits for their acknowledgements."""
    sent = acknowledged = done
    pending = memoryview(b"")
    poll = select.poll()
    while acknowledged < until:
        if not pending and sent < until and sent - acknowledged < WINDOW:
            n = min(CHUNK, until - sent)
            pending = memoryview(broker.messages(sent, n))
            sent += n
        poll.register(broker.socket, select.POLLIN | (select.POLLOUT if pending else 0))
        if not poll.poll(60_000):
            sys.exit("no word from the broker for a minute")
        try:
            if pending:
                pending = pending[broker.socket.send(pending) :]
        except BlockingIOError:
            pass
        try:
            data = broker.socket.recv(1 << 20)
            if not data:
                sys.exit("the broker closed the connection")
            acknowledged += broker.acknowledged(data)
        except BlockingIOError:
            pass
    return acknowledged


main()
