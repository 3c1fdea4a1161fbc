# SPDX-License-Identifier: Apache-2.0
"""nats-server with JetStream, as Debian has it."""

import shutil

from . import Server, free_port, listens


class Nats(Server):
    name = "nats"
    seconds = 20

    def __init__(self, folder, settings=""):
        """`settings` are lines of its configuration: `max_payload: 2KB`, `authorization { ... }`."""
        super().__init__(folder)
        self.settings = settings
        self.port = free_port()
        self.program = shutil.which("nats-server", path="/usr/sbin:/usr/bin:/usr/local/bin")

    def missing(self):
        return None if self.program else "nats-server is not installed"

    def prepare(self):
        (self.folder / "nats.conf").write_text(
            f"host: 127.0.0.1\nport: {self.port}\n"
            "jetstream { store_dir: data, max_mem: 64MB, max_file: 2GB }\n"
            f"{self.settings}\n"
        )

    def command(self):
        return [self.program, "-c", "nats.conf"]

    def is_ready(self):
        return listens(self.port)

    def address(self):
        return f"nats://127.0.0.1:{self.port}"
