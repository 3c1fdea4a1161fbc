# SPDX-License-Identifier: Apache-2.0
"""What every bridge with an acknowledgement must do, whatever is at its other end: options of a handler, and those of a source that
brings what the handler sent. Repeats are what the options let be on its way at a time."""

import os

from kafka import peer
from kit import test
from kit.bench import Skip
from nats_client import Client
from servers import free_port, shared
from servers.sqs import KEY, Queues


def rabbitmq(t):
    broker = f"port: {shared('rabbitmq').split()[0]}, queue: {name(t)}, declare: true"
    return f"{broker}, max_unconfirmed: 500", f"{broker}, prefetch_count: 200"


def kafka(t):
    address = shared("kafka")
    topic = peer.create_topic(address, name(t))
    broker = f"bootstrap_servers: [{address}], topic: {topic}"
    return f"{broker}, queue_buffering_max_messages: 500", f"{broker}, group_id: {topic}, properties: {{session.timeout.ms: 6000, group.instance.id: far}}"


def nats(t):
    with Client(shared("nats")) as client:
        stream = name(t).replace("-", "_")
        client.add_stream(stream, f"{stream}.>")
    server = f"servers: [{shared('nats')}]"
    return f"{server}, subject: {stream}.a, max_pending: 500", f"{server}, stream: {stream}, durable: hub, ack_wait: 1s, max_ack_pending: 500"


def sqs(t):
    queues = Queues(shared("sqs"))
    queues.create(name(t), VisibilityTimeout="3")
    login = f"access_key_id: {KEY['AWS_ACCESS_KEY_ID']}, secret_access_key: {KEY['AWS_SECRET_ACCESS_KEY']}, region: {KEY['AWS_REGION']}"
    queue = f"queue: {name(t)}, endpoint_url: '{queues.endpoint}', {login}, max_in_flight: 100"
    return queue, f"{queue}, wait_time_seconds: 1"


def unix(t):
    return "path: socket, ack: true, window: 500", "path: socket, ack: true, listen: true"


def zeromq(t):
    where = f"endpoints: ['tcp://127.0.0.1:{free_port()}'], ack: true, reconnect_ivl: 20ms, reconnect_ivl_max: 100ms"
    return f"socket_type: dealer, {where}, window: 500", f"socket_type: router, bind: true, {where}"


def nanomsg(t):
    where = f"urls: ['tcp://127.0.0.1:{free_port()}'], framing: length_prefixed, reconnect_ivl: 20ms, reconnect_ivl_max: 100ms"
    return f"{where}, resend_ivl: 1s", f"{where}, listen: true"


ALL = (rabbitmq, kafka, nats, sqs, unix, zeromq, nanomsg)


def test_for_each(bridges, title, seconds):
    """Makes of a function of (t, bridge) a test for each of them: functions as above, or names. `title` has {} for the name."""

    def decorate(function):
        for bridge in bridges:

            def one(t, bridge=bridge):
                function(t, bridge)

            one.__module__ = function.__module__
            one.__name__ = title.format(getattr(bridge, "__name__", bridge)).replace(" ", "_")
            test(seconds=seconds)(one)
        return function

    return decorate


def name(t):
    """Of a queue, topic or stream that no other test has."""
    return f"pair-{t.folder.name.split()[-1].lower().replace('_', '-')}-{os.getpid()}"


def two_hubs(t, bridge):
    """YAML of a hub that sends from the FIFO `in`, and of one that writes what comes to the file `log`."""
    plugin = bridge.__name__
    if f"\n{plugin} " not in t.run("plugin", "list")[0].decode():
        raise Skip(f"{plugin} is not built here")
    here, there = bridge(t)
    near = f"data_dir: near\nsources: {{in: {{fifo: in}}}}\nhandlers: {{out: {{plugin: {plugin}, options: {{{here}}}}}}}\nroutes: [{{from: in, to: out}}]\n"
    far = (
        f"data_dir: far\nsources: {{back: {{plugin: {plugin}, options: {{{there}}}}}}}\n"
        "handlers: {log: {plugin: log, options: {path: log, format: frames}}}\nroutes: [{from: back, to: log}]\n"
    )
    return near, far
