# SPDX-License-Identifier: Apache-2.0
"""Brokers that persist, from Debian's packages: started on loopback with private data, filled by publish.py, ended.

Publishing is measured until the broker has acknowledged each message as kept; nobody consumes meanwhile. A hub's disk queue
beside them has also read each back and delivered it, so they do less.
"""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

from measure import PATIENCE, Failed, Lines, running
from middles import TOOLS, Middle

HERE = pathlib.Path(__file__).resolve().parent


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Broker(Middle):
    fifos, outs = [], ()
    on_disk = True
    writer_has_pipe = False
    protocol = ""

    @contextlib.contextmanager
    def start(self, place, load):
        self.port = free_port()
        with contextlib.ExitStack() as stack:
            stack.callback(self.close)
            log = stack.enter_context(open(place / "log", "wb"))
            how = {"stdout": log, "stderr": log, "stdin": subprocess.DEVNULL, "env": self.environment(place)}
            child = stack.enter_context(running(self.command(place), **how))
            self.wait_for_port(child, place)
            yield child

    def environment(self, place):
        return None

    def close(self):
        """What it leaves behind is ended."""

    def wait_for_port(self, child, place):
        deadline = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            if child.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"{self.needs} does not listen: {pathlib.Path(place / 'log').read_text(errors='replace')[-500:]}")
            time.sleep(0.05)

    def writer(self, place, load):
        return [sys.executable, HERE / "publish.py", self.protocol, self.port, load.size, load.count, load.warm]

    @contextlib.contextmanager
    def far_end(self, place, load, child):
        yield Acknowledged()

    knows_writer = True  # `far.writer`


class Acknowledged:
    """The publisher says when the broker has acknowledged."""

    def mark(self):
        return self.writer.next("mark")[0]

    def end(self):
        return self.writer.next("end")[0]


class Nats(Broker):
    needs, package, protocol = "/usr/sbin/nats-server", "nats-server", "nats"

    def command(self, place):
        return [self.needs, "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", place / "data"]


class Mosquitto(Broker):
    """It keeps messages in memory and writes them down from time to time: nothing packaged persists less."""

    needs, package, protocol = "/usr/sbin/mosquitto", "mosquitto", "mqtt"

    def command(self, place):
        with open(place / "conf", "w") as file:
            file.write(f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {place.folder}/\n"
                       "max_queued_messages 0\nmax_inflight_messages 0\nautosave_interval 1\n")  # fmt: skip
            if os.getuid() == 0:
                file.write("user root\n")
        return [self.needs, "-c", place / "conf"]


class Redis(Broker):
    needs, package, protocol = "/usr/bin/redis-server", "redis-server", "redis"

    def command(self, place):
        return [self.needs, "--bind", "127.0.0.1", "--port", str(self.port), "--dir", place.folder,
                "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]  # fmt: skip


class RabbitMq(Broker):
    needs, package, protocol = "/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server librabbitmq-dev", "amqp"

    def environment(self, place):
        base = {"MNESIA_BASE": place / "mnesia", "LOG_BASE": place / "logs", "NODENAME": f"bench{self.port}@localhost",
                "NODE_PORT": str(self.port), "DIST_PORT": str(free_port()), "PID_FILE": place / "pid",
                "ENABLED_PLUGINS_FILE": place / "plugins", "CONFIG_FILE": place / "rabbitmq"}  # fmt: skip
        with open(place / "rabbitmq.conf", "w") as file:
            file.write(f"listeners.tcp.default = 127.0.0.1:{self.port}\nloopback_users = none\n")
        self.epmd = {**os.environ, "HOME": place.folder, "ERL_EPMD_PORT": str(free_port())}  # its port mapper, which outlives it
        return {**self.epmd, **{f"RABBITMQ_{k}": str(v) for k, v in base.items()}}

    def command(self, place):
        return [self.needs]

    def close(self):
        subprocess.run(["epmd", "-kill"], env=self.epmd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def writer(self, place, load):
        return [TOOLS / "amqp", self.port, load.size, load.count, load.warm]

    @staticmethod
    def is_there():
        return os.path.exists(TOOLS / "amqp")


BROKERS = {
    "NATS JetStream, files": Nats,
    "mosquitto, QoS 1": Mosquitto,
    "Redis, AOF each second": Redis,
    "RabbitMQ, durable, confirms": RabbitMq,
}


def is_there(broker):
    return shutil.which(str(broker.needs)) is not None and getattr(broker, "is_there", lambda: True)()
