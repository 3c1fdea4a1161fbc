# SPDX-License-Identifier: Apache-2.0
"""A hub that stops has told the other side what it has: nothing comes again at the next start."""

import os

from kafka import peer
from kit import test
from kit.bench import Skip
from servers import free_port, shared

MESSAGES = 1000


def stops_and_goes_on(t, plugin, here, there):
    """Messages go by a handler with `here`, and come back by a source with `there`, which is stopped as soon as they are logged."""
    listed = t.run("plugin", "list")[0].decode()
    if f"\n{plugin} " not in listed:
        raise Skip(f"{plugin} is not built here")
    far = f"data_dir: far\nsources: {{back: {{plugin: {plugin}, options: {{{there}}}}}}}\n" \
        "handlers: {log: {plugin: log, options: {path: log, format: frames}}}\nroutes: [{from: back, to: log}]\n"  # fmt: skip
    near = t.start(f"data_dir: near\nsources: {{in: {{fifo: in}}}}\nhandlers: {{out: {{plugin: {plugin}, options: {{{here}}}}}}}\n"
                   "routes: [{from: in, to: out}]\n")  # fmt: skip
    expected = []
    for round in range(3):
        messages = [b"%d of %d" % (n, round) for n in range(MESSAGES)]
        expected += messages
        hub = t.start(far)
        near.send("in", messages)
        t.until_logged("log", expected, seconds=60)
        hub.stop(seconds=60).all_delivered(MESSAGES)
    near.stop(seconds=60).all_delivered(len(expected))
    assert t.frames("log") == expected, f"{len(t.frames('log'))} messages instead of {len(expected)}"


@test(seconds=120)
def what_rabbitmq_delivered_does_not_come_again_after_a_stop(t):
    broker = f"port: {shared('rabbitmq').split()[0]}, queue: stops-{os.getpid()}, declare: true"
    stops_and_goes_on(t, "rabbitmq", broker, broker)


@test(seconds=120)
def what_kafka_delivered_does_not_come_again_after_a_stop(t):
    address = shared("kafka")
    topic = peer.create_topic(address, f"stops-{os.getpid()}")
    broker = f"bootstrap_servers: [{address}], topic: {topic}"
    stops_and_goes_on(t, "kafka", broker, f"{broker}, group_id: {topic}")


@test(seconds=120)
def what_a_unix_socket_brought_does_not_come_again_after_a_stop(t):
    stops_and_goes_on(t, "unix", "path: socket, ack: true", "path: socket, ack: true, listen: true")


@test(seconds=120)
def what_zeromq_brought_does_not_come_again_after_a_stop(t):
    where = f"endpoints: ['tcp://127.0.0.1:{free_port()}'], ack: true"
    stops_and_goes_on(t, "zeromq", f"socket_type: dealer, {where}", f"socket_type: router, bind: true, {where}")


@test(seconds=120)
def what_nanomsg_brought_does_not_come_again_after_a_stop(t):
    where = f"urls: ['tcp://127.0.0.1:{free_port()}'], framing: length_prefixed"
    stops_and_goes_on(t, "nanomsg", where, f"{where}, listen: true")
