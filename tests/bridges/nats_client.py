# SPDX-License-Identifier: Apache-2.0
"""A small NATS client that knows the text protocol and nothing of the library that the bridge links."""

import json
import socket
import ssl


class Message:
    def __init__(self, subject, reply, head, payload):
        self.subject, self.reply, self.payload = subject, reply, payload
        lines = head.split("\r\n")
        self.status = lines[0].removeprefix("NATS/1.0").strip()
        self.headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:] if ":" in line]

    def header(self, name):
        return dict(self.headers).get(name)


class Client:
    """Of one thread. `url` is nats://HOST:PORT; `login` are fields of CONNECT: user, pass, auth_token, jwt; `sign` signs the
    server's nonce."""

    def __init__(self, url, timeout=20, tls=None, sign=None, **login):
        host, port = url.rpartition("/")[2].rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout)
        self.file = self.socket.makefile("rb", buffering=1 << 20)
        self.info = json.loads(self.file.readline().split(b" ", 1)[1])
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=host)
            self.file = self.socket.makefile("rb", buffering=1 << 20)
        self.inbox, self._count = f"_INBOX.{self.info['client_id']}.test", 0
        options = {"verbose": False, "pedantic": False, "headers": True, "no_responders": True, "lang": "test", "version": "1", **login}
        if sign:
            options["sig"] = sign(self.info["nonce"])
        self.socket.sendall(b"CONNECT " + json.dumps(options).encode() + b"\r\n")
        self._send(f"SUB {self.inbox}.* 1")
        self.ping()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    # ---- protocol

    def _send(self, line, body=b""):
        self.socket.sendall(line.encode() + b"\r\n" + (body + b"\r\n" if body or "PUB " in line else b""))

    def ping(self):
        self._send("PING")
        while (line := self._line()) != "PONG":
            assert not line.startswith("MSG") and not line.startswith("HMSG"), line

    def _line(self):
        line = self.file.readline()
        if not line:
            raise ConnectionError("the server closed the connection")
        line = line.decode().rstrip("\r\n")
        if line == "PING":
            self._send("PONG")
            return self._line()
        if line.startswith("-ERR"):
            raise ConnectionError(line)
        return line

    def next(self):
        while not (line := self._line()).startswith(("MSG ", "HMSG ")):
            pass
        words = line.split(" ")
        sizes = 2 if words[0] == "HMSG" else 1
        head = int(words[-2]) if sizes == 2 else 0
        data = self.file.read(int(words[-1]) + 2)[:-2]
        reply = words[3] if len(words) == 3 + sizes + 1 else ""
        return Message(words[1], reply, data[:head].decode(), data[head:])

    def publish(self, subject, payload=b"", headers=(), reply=""):
        head = b"NATS/1.0\r\n" + b"".join(f"{k}: {v}\r\n".encode() for k, v in headers) + b"\r\n" if headers else b""
        sizes = f"{len(head)} {len(head) + len(payload)}" if head else f"{len(payload)}"
        self._send(f"{'H' if head else ''}PUB {subject} {reply + ' ' if reply else ''}{sizes}", head + payload)

    def request(self, subject, payload=b"", headers=()):
        self._count += 1
        reply = f"{self.inbox}.{self._count}"
        self.publish(subject, payload, headers, reply)
        while (message := self.next()).subject != reply:
            pass
        return message

    # ---- JetStream

    def api(self, what, **body):
        answer = json.loads(self.request(f"$JS.API.{what}", json.dumps(body).encode()).payload)
        assert "error" not in answer, f"{what}: {answer['error']}"
        return answer

    def add_stream(self, name, *subjects, **more):
        return self.api(f"STREAM.CREATE.{name}", name=name, subjects=subjects, storage="file", retention="limits", discard="old", **more)

    def stream(self, name):
        return self.api(f"STREAM.INFO.{name}")["state"]

    def consumer(self, stream, name):
        return self.api(f"CONSUMER.INFO.{stream}.{name}")

    def has_consumer(self, stream, name):
        return name in (self.api(f"CONSUMER.NAMES.{stream}")["consumers"] or [])

    def put(self, subject, messages, headers=()):
        """Published, all acknowledged by the stream."""
        wanted = 0
        for payload in messages:
            self._count += 1
            wanted += 1
            self.publish(subject, payload, headers, f"{self.inbox}.{self._count}")
            if wanted == 500:
                self._take_acknowledgements(wanted)
                wanted = 0
        self._take_acknowledgements(wanted)

    def _take_acknowledgements(self, count):
        for _ in range(count):
            answer = json.loads(self.next().payload)
            assert "error" not in answer, answer

    def read(self, stream, count, subject=">"):
        """The first `count` messages of a stream, by a consumer of its own."""
        name = f"reader{self._count}"
        config = {"durable_name": name, "ack_policy": "none", "filter_subject": subject}
        self.api(f"CONSUMER.DURABLE.CREATE.{stream}.{name}", stream_name=stream, config=config)
        messages = []
        while len(messages) < count:
            batch = min(count - len(messages), 1000)
            self._count += 1
            wish = json.dumps({"batch": batch, "expires": 5_000_000_000}).encode()
            self.publish(f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{name}", wish, reply=f"{self.inbox}.{self._count}")
            for _ in range(batch):
                message = self.next()
                if not message.reply:
                    raise AssertionError(f"{stream} has {len(messages)} of {count} messages: {message.status}")
                messages.append(message)
        self.api(f"CONSUMER.DELETE.{stream}.{name}")
        return messages

    def read_all(self, stream):
        return self.read(stream, self.stream(stream)["messages"])


def trusting(certificate, own=None):
    """`own` is a client's certificate and its key."""
    context = ssl.create_default_context(cafile=certificate)
    if own:
        context.load_cert_chain(*own)
    return context
