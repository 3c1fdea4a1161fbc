# SPDX-License-Identifier: Apache-2.0
"""Apache Kafka in KRaft mode, one node that is broker and controller, out of Maven Central; and a broker that librdkafka plays.

Maven's jars (56 MB) are kept in ~/.cache/standpipe-tests/kafka/VERSION for the next time.
"""

import base64
import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid

from . import SLOW, Server, free_port, listens

HERE = pathlib.Path(__file__).resolve().parent.parent / "kafka"
POM = HERE / "pom.xml"
_FETCH_SECONDS = 600
_ARCHIVE_SECONDS = 120

_PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners={protocol}://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={protocol}://127.0.0.1:{port}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,{protocol}:{protocol}
controller.listener.names=CONTROLLER
inter.broker.listener.name={protocol}
log.dirs={data}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
group.min.session.timeout.ms=1000
auto.create.topics.enable=false
num.network.threads=2
num.io.threads=2
num.partitions=1
log.cleaner.enable=false
"""


def jars():
    """Where the jars are, fetched if need be. Raises OSError with the reason."""
    caches = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    place = caches / "standpipe-tests/kafka" / hashlib.sha256(POM.read_bytes()).hexdigest()[:12]
    place.mkdir(parents=True, exist_ok=True)
    with open(place / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "lib").exists():
            _fetch(place)
    return place / "lib"


def _fetch(place):
    part = place / "lib.part"
    shutil.rmtree(part, ignore_errors=True)
    command = ["mvn", "-q", "-B", "-f", POM, "dependency:copy-dependencies", f"-DoutputDirectory={part}", "-DincludeScope=runtime"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_FETCH_SECONDS)
    except subprocess.TimeoutExpired:
        raise OSError("Maven Central did not answer in time") from None
    if done.returncode or not list(part.glob("kafka_2.13-*.jar")):
        raise OSError("Maven gives no Kafka: " + " ".join((done.stdout + done.stderr).split())[:300])
    part.rename(place / "lib")


def java(*arguments):
    """A command of Kafka's own classes, which starts as fast as Java does."""
    options = ["-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]
    return ["java", *options, "-Dlog4j.configuration=file:" + str(HERE / "log4j.properties"), "-cp", f"{jars()}/*", *arguments]


def class_archive():
    """Classes as the Java virtual machine has them in memory: with it a server starts in half the time. Made once, if that can be
    done in time; Java does without one that is missing, or that it does not like."""
    archive = jars().with_name("classes.jsa")
    with open(archive.with_name("classes.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not archive.exists():
            with tempfile.TemporaryDirectory() as folder, contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
                made = pathlib.Path(folder) / "classes.jsa"
                server = _Archiving(pathlib.Path(folder) / "kafka", made)
                try:
                    server.start()
                    server.process.terminate()
                    server.process.wait(_ARCHIVE_SECONDS * SLOW)
                    shutil.move(made, archive)
                finally:
                    server.kill()
    return archive


class Kafka(Server):
    name = "kafka"
    seconds = 90
    protocol = "PLAINTEXT"
    more = ""  # properties

    def missing(self):
        for program in ("java", "mvn"):
            if not shutil.which(program):
                return f"there is no {program}"
        try:
            jars()
        except OSError as error:
            return str(error)
        return None

    def prepare(self):
        self.port, controller = free_port(), free_port()
        data = self.folder / "data"
        data.mkdir()
        text = _PROPERTIES.format(port=self.port, controller=controller, data=data, protocol=self.protocol)
        (self.folder / "server.properties").write_text(text + self.more)
        # What kafka-storage writes with `format`; a Java virtual machine less to wait for.
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        (data / "meta.properties").write_text(f"version=1\ncluster.id={cluster}\nnode.id=1\n")

    def command(self):
        return java(*self.java_options(), "kafka.Kafka", "server.properties")

    def java_options(self):
        return [f"-XX:SharedArchiveFile={class_archive()}"]

    def is_ready(self):
        return listens(self.port)

    def address(self):
        return f"127.0.0.1:{self.port}"

    def stop(self):
        self.kill()  # it would take seconds to say good-bye


class _Archiving(Kafka):
    name = ""  # serve.py starts none of these

    def __init__(self, folder, archive):
        super().__init__(folder)
        self.archive = archive

    def java_options(self):
        return [f"-XX:ArchiveClassesAtExit={self.archive}"]


class Mock(Server):
    """librdkafka's own broker: in memory, without groups' finer points, and there in no time."""

    name = "kafka_mock"

    def missing(self):
        try:
            import ctypes

            ctypes.CDLL("librdkafka.so.1")
        except OSError as error:
            return str(error)
        return None

    def command(self):
        return [sys.executable, HERE / "mock.py", self.folder / "address"]

    def is_ready(self):
        with contextlib.suppress(OSError):
            return bool(self.address())
        return False

    def address(self):
        return (self.folder / "address").read_text().strip()

    def fail(self, api, error, count=1):
        """The next requests of an API are answered with an error; both are numbers of Kafka's protocol."""
        errors = self.folder / "address.errors"
        errors.write_text(f"{api} {error} {count}")
        self.process.send_signal(signal.SIGUSR1)
        deadline = time.monotonic() + 20 * SLOW
        while errors.exists():
            assert time.monotonic() < deadline, f"the mock does not take {api} {error}: {self.said()}"
            time.sleep(0.01)
