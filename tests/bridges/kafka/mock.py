# SPDX-License-Identifier: Apache-2.0
"""A broker that librdkafka plays, until it is ended: python3 mock.py FILE, which then has its address. At SIGUSR1 it reads
FILE.errors, "API ERROR COUNT" in numbers of Kafka's protocol, removes it, and answers that many requests of the API with the error.
"""

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
    address, errors = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[1] + ".errors")

    def fail(*_):
        api, error, count = map(int, errors.read_text().split())
        answers = (ctypes.c_int * count)(*[error] * count)
        library.rd_kafka_mock_push_request_errors_array(cluster, ctypes.c_int16(api), ctypes.c_size_t(count), answers)
        errors.unlink()

    signal.signal(signal.SIGUSR1, fail)
    address.write_bytes(library.rd_kafka_mock_cluster_bootstraps(cluster))
    while True:
        signal.pause()


main()
