# SPDX-License-Identifier: Apache-2.0
"""The other side is away, from before the start on: nobody else notices, and nothing grows but a queue on the disk."""

import time

import pairs
from kit import SLOW, equal, frames_in, until
from kit.bench import Skip
from servers import free_port

# Where nobody listens.
AWAY = {
    "rabbitmq": "port: %d, queue: orders",
    "kafka": "bootstrap_servers: ['127.0.0.1:%d'], topic: orders",
    "nats": "servers: ['nats://127.0.0.1:%d'], subject: orders",
    "sqs": "endpoint_url: 'http://127.0.0.1:%d', queue: 'http://127.0.0.1/000000000000/orders', region: eu-west-1, access_key_id: a, "
    "secret_access_key: b",
    "unix": "path: nobody-%d",
    "zeromq": "socket_type: dealer, ack: true, endpoints: ['tcp://127.0.0.1:%d']",
    "nanomsg": "urls: ['tcp://127.0.0.1:%d']",
}
MESSAGES = 30_000


def configuration(bridge):
    return f"""
data_dir: state
memory_max: 64MiB
sources:
  in: {{fifo: in, log: {{max_size: 1MiB}}}}
  quiet: {{fifo: quiet}}
handlers:
  away: {{plugin: {bridge}, queue: {{type: disk}}, options: {{{AWAY[bridge] % free_port()}}}}}
  log: {{plugin: log, options: {{path: log, format: frames}}}}
  echo: {{plugin: forward, options: {{fifo: echo}}}}
routes:
  - {{from: in, to: [away, log]}}
  - {{from: quiet, to: echo}}
"""


@pairs.test_for_each(AWAY, "where {} finds nobody no other handler or source notices", seconds=120)
def nobody_else_notices(t, bridge):
    if not (t.run("plugin", "list")[0].decode().count(f"\n{bridge} ")):
        raise Skip(f"{bridge} is not built here")
    hub = t.start(configuration(bridge))
    messages = [b"%06d " % n + b"." * 500 for n in range(MESSAGES)]  # more than the source's log has room for
    sender = t.meanwhile(hub.send, "in", messages)
    reader = t.reader("echo")
    slowest = 0.0
    for n in range(20):
        began = time.monotonic()
        hub.send("quiet", [b"%d" % n])
        equal(reader.take(1), [b"%d" % n])
        slowest = max(slowest, time.monotonic() - began)
    assert slowest < 5 * SLOW, f"a message of another source took {slowest:.1f} s"
    sender.join()
    until(lambda: len(frames_in(t.path("log").read_bytes(), incomplete=True)[0]) == MESSAGES, "the other handler has all", 60)
    memory = hub.status_of("VmRSS")
    assert memory < 400 << 20, f"{memory:,} bytes"
    account = hub.account_now()
    equal(account.of("in -> away")["in_flight"], MESSAGES)
    account.of("in"), account.of("in -> log"), account.of("quiet"), account.of("quiet -> echo")
    account = hub.stop()
    equal((account.of("in -> away")["in_flight"], account.of("in -> away")["delivered"]), (MESSAGES, 0))
    equal(account.of("in -> log")["delivered"], MESSAGES)
    account.of("in"), account.of("quiet"), account.of("quiet -> echo")
