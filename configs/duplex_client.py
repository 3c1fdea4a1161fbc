# SPDX-License-Identifier: Apache-2.0
"""A client of duplex.yaml: asks the service for the square of each number.

The package standpipe is in sdk/python; without installing it: PYTHONPATH=sdk/python/src"""

import sys

from standpipe.client import Requester

with Requester("/tmp/standpipe-requests", "/tmp/standpipe-replies", timeout=10) as service:
    for n in sys.argv[1:]:
        reply = service.request({"n": int(n)}, timeout=20)
        print(n, "squared is", reply["square"] if reply else "not known: no reply came in time", flush=True)
