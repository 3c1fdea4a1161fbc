# SPDX-License-Identifier: Apache-2.0
"""Two machines and an engine between them, as configs/distributed has them: each hub in a network of its own, with a cable that
can be pulled. Where network namespaces are not allowed, both hubs are on this machine, and nothing is pulled."""

import contextlib
import ctypes
import os
import pathlib
import re
import shutil
import subprocess

from kafka import peer
from kit import equal, process, test, until
from servers import free_port, shared

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIGS = ROOT / "configs/distributed"
_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000


class Machine:
    """A network namespace that reaches `port` of this machine, as its own loopback's, over a pair of interfaces."""

    def __init__(self, number, port):
        self.name = f"standpipe-{os.getpid()}-{number}"
        self.cable = f"sp{os.getpid() % 100_000}-{number}"
        block = (2 * os.getpid() + number) % (1 << 13)  # of four addresses, since other tests have cables at the same time
        self.ours, self.theirs = (f"169.254.{128 + block // 64}.{block % 64 * 4 + host}" for host in (1, 2))
        self.port = port
        self.relays = []

    def __enter__(self):
        run("ip", "netns", "add", self.name)
        run("ip", "link", "add", self.cable, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        run("ip", "addr", "add", f"{self.ours}/30", "dev", self.cable)
        run("ip", "link", "set", self.cable, "up")
        for words in (["addr", "add", f"{self.theirs}/30", "dev", "eth0"], ["link", "set", "eth0", "up"], ["link", "set", "lo", "up"]):
            run("ip", "-n", self.name, *words)
        far = free_port()
        listen = "bind=%s,fork,reuseaddr"
        self._relay([], f"TCP-LISTEN:{far},{listen % self.ours}", f"TCP:127.0.0.1:{self.port}")
        within = ["ip", "netns", "exec", self.name]
        self._relay(within, f"TCP-LISTEN:{self.port},{listen % '127.0.0.1'}", f"TCP:{self.ours}:{far},connect-timeout=1")
        return self

    def _relay(self, where, listen, to):
        self.relays.append(process.spawn([*where, "socat", listen, to], start_new_session=True, stderr=subprocess.DEVNULL))

    def enter(self):
        """For a child, before it becomes a hub."""
        namespace = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
        if _libc.setns(namespace, _CLONE_NEWNET) != 0:
            os._exit(99)

    def pull(self):
        run("ip", "link", "set", self.cable, "down")

    def plug(self):
        run("ip", "link", "set", self.cable, "up")

    def __exit__(self, *_):
        for relay in self.relays:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(relay.pid, 9)
            relay.wait()
        subprocess.run(["ip", "netns", "del", self.name], check=False)


class Here:
    """This machine, where it has no namespaces."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    enter = pull = plug = lambda self: None


def run(*command):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)


def have_namespaces():
    if not (shutil.which("ip") and shutil.which("socat")) or os.geteuid() != 0:
        return False
    name = f"standpipe-trial-{os.getpid()}"
    allowed = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode == 0
    if allowed:
        allowed = subprocess.run(["ip", "-n", name, "link", "add", "name", "trial", "type", "veth"], capture_output=True, check=False).returncode == 0
        run("ip", "netns", "del", name)
    return allowed


def machines(port):
    if have_namespaces():
        return [Machine(0, port), Machine(1, port)]
    print("no network namespaces: both hubs are on this machine")
    return [Here(), Here()]


def through(t, port, here, there):
    """Messages through FIFO, hub, engine, hub, FIFO, while each cable is pulled once, the hubs' workers die, and the sender goes on."""
    with contextlib.ExitStack() as stack:
        near, far = (stack.enter_context(machine) for machine in machines(port))
        a = t.hub(here, enter=near.enter)
        b = t.hub(there, enter=far.enter)
        a.start(), b.start()
        got = []
        reader = t.reader("all-orders")
        collector = t.meanwhile(collect, reader, got, b"the end")
        writer = t.writer("orders")

        def send(first, last):
            for n in range(first, last):
                writer.send(b'{"id":%d}' % n)

        send(0, 500)
        until(lambda: len(got) >= 500, "the first have come", 60)
        near.pull()
        send(500, 1500)
        until(lambda: a.account_now().of("orders")["accepted"] == 1500, "the near hub has them", 60)
        near.plug()
        until(lambda: len(set(got)) >= 1500, "what waited for the first cable has come", 60)
        far.pull()
        send(1500, 2500)
        until(lambda: a.account_now().of("orders")["accepted"] == 2500, "the near hub has them", 60)
        os.kill(a.pids()[1], 9)
        far.plug()
        until(lambda: len(set(got)) >= 2500, "what waited for the second cable has come", 60)
        send(2500, 3000)
        writer.send(b"the end")
        writer.close()
        collector.join()
        account = a.stop()
        equal((account.of("orders")["accepted"], account.of("orders -> broker")["delivered"]), (3001, 3001))
        account = b.stop()
        account.of("orders"), account.of("orders -> work")
        orders = [int(re.search(rb"\d+", m)[0]) for m in got if m != b"the end"]
        equal(sorted(set(orders)), list(range(3000)), "each order has come")
        firsts = list(dict.fromkeys(orders))
        equal(firsts, sorted(firsts), "in order, but for repeats")
        repeats = len(orders) - 3000
        print(f"{repeats} repeats")
        assert repeats <= 3000, "what comes again is what was not acknowledged when a connection broke"


def collect(reader, got, last):
    while not got or got[-1] != last:
        got += reader.take(1)


def text_of(name, queue):
    """The example with the test's folder in the place of /tmp, and a queue of its own."""
    text = (CONFIGS / name).read_text().replace("/tmp/standpipe-", "").replace("queue: orders", f"queue: {queue}")
    return text.replace("queue_type: quorum", "queue_type: classic") + "data_dir: state-" + name.split(".")[0] + "\n"


@test(seconds=180)
def two_hubs_with_rabbitmq_between_them_lose_nothing_when_either_cable_is_pulled(t):
    port = int(shared("rabbitmq").split()[0])
    os.environ["BROKER_PORT"] = str(port)
    queue = f"orders-{os.getpid()}"
    through(t, port, text_of("here.yaml", queue), text_of("there.yaml", queue))


@test(seconds=180)
def with_one_handler_and_one_source_changed_kafka_is_between_them(t):
    address = shared("kafka")
    topic = peer.create_topic(address, f"orders-{os.getpid()}")
    broker = f"bootstrap_servers: [{address}], topic: {topic}, properties: {{reconnect.backoff.max.ms: 500}}"
    here = instead(text_of("here.yaml", "x"), f"plugin: kafka\n    options: {{{broker}}}\n")
    there = instead(text_of("there.yaml", "x"), f"plugin: kafka\n    options: {{{broker}, group_id: {topic}}}\n")
    through(t, int(address.split(":")[1]), here, there)


def instead(text, plugin):
    """The example with this plugin in the place of rabbitmq."""
    return re.sub(r"plugin: rabbitmq\n    options:\n(      .*\n)+", plugin, text)
