# SPDX-License-Identifier: Apache-2.0
"""The other side of a bridge to Kafka: topics are made by librdkafka's admin calls, records written and read by kcat."""

import ctypes
import functools
import os
import shutil
import struct
import subprocess

from kit import SLOW, until
from kit.bench import Skip

_PRODUCER, _TOPIC_EXISTS = 0, 36


@functools.lru_cache
def _library():
    library = ctypes.CDLL("librdkafka.so.1")
    for name in ("conf_new", "new", "NewTopic_new", "queue_new", "queue_poll", "event_CreateTopics_result", "CreateTopics_result_topics"):
        getattr(library, f"rd_kafka_{name}").restype = ctypes.c_void_p
    library.rd_kafka_topic_result_error_string.restype = ctypes.c_char_p
    return library


def create_topic(address, topic, partitions=1, client=(), **settings):
    """`settings` have underscores for the dots of Kafka's names; `client` has properties of who creates it."""
    library, why = _library(), ctypes.create_string_buffer(512)
    conf = ctypes.c_void_p(library.rd_kafka_conf_new())
    for name, value in [("bootstrap.servers", address), *client]:
        library.rd_kafka_conf_set(conf, name.encode(), str(value).encode(), why, len(why))
    client = ctypes.c_void_p(library.rd_kafka_new(_PRODUCER, conf, why, len(why)))
    new = ctypes.c_void_p(library.rd_kafka_NewTopic_new(topic.encode(), partitions, 1, why, len(why)))
    for name, value in settings.items():
        library.rd_kafka_NewTopic_set_config(new, name.replace("_", ".").encode(), str(value).encode())
    queue = ctypes.c_void_p(library.rd_kafka_queue_new(client))
    library.rd_kafka_CreateTopics(client, (ctypes.c_void_p * 1)(new), ctypes.c_size_t(1), None, queue)
    event = ctypes.c_void_p(library.rd_kafka_queue_poll(queue, int(20_000 * SLOW)))
    assert event, f"nobody creates the topic {topic}"
    count = ctypes.c_size_t()
    result = ctypes.c_void_p(library.rd_kafka_event_CreateTopics_result(event))
    assert result, f"the topic {topic} was not created: {library.rd_kafka_event_error(event)}"
    found = ctypes.cast(library.rd_kafka_CreateTopics_result_topics(result, ctypes.byref(count)), ctypes.POINTER(ctypes.c_void_p))
    said = library.rd_kafka_topic_result_error_string(ctypes.c_void_p(found[0]))
    error = library.rd_kafka_topic_result_error(ctypes.c_void_p(found[0]))
    assert error in (0, _TOPIC_EXISTS), f"the topic {topic} was not created: {said}"
    library.rd_kafka_event_destroy(event)
    library.rd_kafka_NewTopic_destroy(new)
    library.rd_kafka_queue_destroy(queue)
    library.rd_kafka_destroy(client)
    return topic


def kcat(address, *arguments, input=b"", seconds=30):
    """What it printed."""
    if not shutil.which("kcat"):
        raise Skip("there is no kcat")
    command = ["kcat", "-b", address, "-X", "broker.address.family=v4", *map(str, arguments)]
    done = subprocess.run(command, input=input, capture_output=True, timeout=seconds * SLOW, env={**os.environ, "LC_ALL": "C"})
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.decode(errors='replace')}"
    return done.stdout


def write(t, address, topic, messages, *more):
    """One record for each message, whatever is in it."""
    folder = t.path(f"records of {topic}")
    folder.mkdir(exist_ok=True)
    files = []
    for i, message in enumerate(messages):
        files.append(folder / str(i))
        files[-1].write_bytes(message)
    kcat(address, "-P", "-t", topic, *more, *files)


def write_lines(address, topic, messages, *more):
    """Faster, for messages without newlines."""
    kcat(address, "-P", "-t", topic, *more, input=b"".join(m + b"\n" for m in messages))


def read(address, topic, *more):
    """The values of all records that the topic has, partition after partition; None is a null."""
    data, values, at = kcat(address, "-C", "-q", "-e", "-o", "beginning", "-t", topic, "-f", "%R%s", *more), [], 0
    while at < len(data):
        (size,) = struct.unpack_from(">i", data, at)
        values.append(None if size < 0 else data[at + 4 : at + 4 + size])
        at += 4 + max(size, 0)
    return values


def until_read(address, topic, count, seconds=30):
    """As soon as it has that many."""
    return until(lambda: (got := read(address, topic)) and len(got) >= count and got, f"{topic} has {count} records", seconds)
