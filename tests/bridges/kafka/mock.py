# SPDX-License-Identifier: Apache-2.0
"""A broker that librdkafka plays, until it is ended: python3 mock.py FILE, which then has its address."""

import ctypes
import pathlib
import signal
import sys

PRODUCER = 0


def main():
    library = ctypes.CDLL("librdkafka.so.1")
    for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_mock_cluster_new"):
        getattr(library, name).restype = ctypes.c_void_p
    library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    why = ctypes.create_string_buffer(512)
    client = library.rd_kafka_new(PRODUCER, ctypes.c_void_p(library.rd_kafka_conf_new()), why, len(why))
    assert client, why.value
    cluster = ctypes.c_void_p(library.rd_kafka_mock_cluster_new(ctypes.c_void_p(client), 1))
    pathlib.Path(sys.argv[1]).write_bytes(library.rd_kafka_mock_cluster_bootstraps(cluster))
    signal.pause()


main()
