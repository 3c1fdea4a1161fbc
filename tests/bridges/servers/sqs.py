# SPDX-License-Identifier: Apache-2.0
"""Two emulators of Amazon SQS behind a proxy that verifies signatures and fails on request (node/sqs/proxy.mjs).

SQS itself never forgets a message; what clients see of its failures are lost connections, lost replies and errors. So `kill` kills
the proxy, in the middle of whatever passes it, and what the emulator has stays.
"""

import base64
import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import time

import npm
from servers import SLOW, Server, free_port, listens

KEY = {"AWS_ACCESS_KEY_ID": "AKIDSTANDPIPE", "AWS_SECRET_ACCESS_KEY": "secret/of+standpipe", "AWS_REGION": "us-east-1"}
TEMPORARY = {"AWS_ACCESS_KEY_ID": "ASIDSTANDPIPE", "AWS_SECRET_ACCESS_KEY": "another/secret", "AWS_SESSION_TOKEN": "token/of+standpipe=="}
KEYS = {
    KEY["AWS_ACCESS_KEY_ID"]: {"secret": KEY["AWS_SECRET_ACCESS_KEY"]},
    TEMPORARY["AWS_ACCESS_KEY_ID"]: {"secret": TEMPORARY["AWS_SECRET_ACCESS_KEY"], "token": TEMPORARY["AWS_SESSION_TOKEN"]},
}


class Sqs(Server):
    name = "sqs"

    def __init__(self, folder, emulator="fauxqs", tls=False):
        super().__init__(folder)
        self.kind, self.tls = emulator, tls
        self.emulator = None
        self.port, self.emulator_port, self.tls_port = free_port(), free_port(), free_port()

    def missing(self):
        if self.tls and not shutil.which("openssl"):
            return "openssl is not installed"
        return npm.missing("sqs")

    def prepare(self):
        npm.scripts("sqs", self.folder)
        settings = {"port": self.port, "emulator_port": self.emulator_port, "keys": KEYS}
        if self.tls:
            command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                       "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]  # fmt: skip
            subprocess.run(command, cwd=self.folder, check=True, capture_output=True)
            settings |= {"tls_port": self.tls_port, "cert": "cert.pem", "key": "key.pem"}
        (self.folder / "settings.json").write_text(json.dumps(settings))

    def start(self):
        why = self.missing()
        assert not why, why
        if not self.folder.exists():
            self.folder.mkdir(parents=True)
            self.prepare()
        if not self.emulator:
            self._start_emulator()
        return super().start()

    def _start_emulator(self):
        with open(self.folder / "output", "ab") as output:
            command = ["node", "emulator.mjs", self.kind, str(self.emulator_port)]
            self.emulator = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        deadline = time.monotonic() + self.seconds * SLOW
        while not listens(self.emulator_port):
            assert self.emulator.poll() is None and time.monotonic() < deadline, f"the emulator is not ready: {self.said()}"
            time.sleep(0.05)

    def stop(self):
        super().stop()
        if self.emulator:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.emulator.pid, signal.SIGKILL)
            self.emulator.wait()
            self.emulator = None

    def command(self):
        return ["node", "proxy.mjs", "settings.json"]

    def is_ready(self):
        return listens(self.port)

    def address(self):
        return f"http://127.0.0.1:{self.port} http://127.0.0.1:{self.emulator_port}"


class Queues:
    """What tests do with queues, past the proxy: the emulator takes it without a signature. `address` is Sqs.address()."""

    def __init__(self, address):
        self.endpoint, self.emulator = address.split()
        self._urls = {}

    def call(self, action, **arguments):
        connection = http.client.HTTPConnection(self.emulator.removeprefix("http://"), timeout=30 * SLOW)
        headers = {
            "X-Amz-Target": f"AmazonSQS.{action}", "Content-Type": "application/x-amz-json-1.0",
            "Authorization": "AWS4-HMAC-SHA256 Credential=x/20261130/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=x",
        }  # fmt: skip
        connection.request("POST", "/", json.dumps(arguments), headers)
        reply = connection.getresponse()
        text = reply.read()
        connection.close()
        assert reply.status == 200, f"{action}: {reply.status} {text[:500]}"
        return json.loads(text) if text else {}

    def create(self, name, **attributes):
        if name.endswith(".fifo"):
            attributes["FifoQueue"] = "true"
        return self.call("CreateQueue", QueueName=name, Attributes=attributes)["QueueUrl"]

    def delete(self, name):
        self.call("DeleteQueue", QueueUrl=self.url(name))

    def url(self, name):
        if name not in self._urls:
            self._urls[name] = self.call("GetQueueUrl", QueueName=name)["QueueUrl"]
        return self._urls[name]

    def send(self, name, bodies, **more):
        """Texts, or entries without their Ids."""
        entries = [body if isinstance(body, dict) else {"MessageBody": body} for body in bodies]
        url = self.url(name)
        for i in range(0, len(entries), 10):
            batch = [{"Id": str(j), **entry, **more} for j, entry in enumerate(entries[i : i + 10])]
            failed = self.call("SendMessageBatch", QueueUrl=url, Entries=batch).get("Failed")
            assert not failed, failed

    def waiting(self, name):
        """Messages that are visible, and those that somebody has received."""
        time.sleep(0.02)  # who asks again and again leaves the emulator some time
        attributes = self.call("GetQueueAttributes", QueueUrl=self.url(name), AttributeNames=["All"])["Attributes"]
        return int(attributes["ApproximateNumberOfMessages"]), int(attributes["ApproximateNumberOfMessagesNotVisible"])

    def take(self, name, wait=0):
        """Some messages, which are deleted."""
        url = self.url(name)
        more = {"WaitTimeSeconds": wait, "MessageAttributeNames": ["All"], "MessageSystemAttributeNames": ["All"]}
        messages = self.call("ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10, **more).get("Messages") or []
        if messages:
            entries = [{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(messages)]
            self.call("DeleteMessageBatch", QueueUrl=url, Entries=entries)
        return messages

    def take_all(self, name):
        """Until there are no more."""
        messages = []
        while some := self.take(name):
            messages += some
        return messages

    def seen(self, name, faults=None):
        """What the proxy has seen of a queue; sets its faults, if there are any."""
        connection = http.client.HTTPConnection(self.endpoint.removeprefix("http://"), timeout=30 * SLOW)
        connection.request("PUT" if faults else "GET", f"/{name}", json.dumps({"faults": faults}) if faults else None)
        seen = json.loads(connection.getresponse().read())
        connection.close()
        return seen


def payload(message):
    """Of a message as SQS gives it, decoded as the encoding says."""
    encoding = message.get("MessageAttributes", {}).get("encoding", {}).get("StringValue")
    return base64.b64decode(message["Body"]) if encoding == "base64" else message["Body"].encode()
