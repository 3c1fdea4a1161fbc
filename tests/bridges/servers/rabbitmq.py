# SPDX-License-Identifier: Apache-2.0
"""A RabbitMQ broker of Debian's package, with a node, a cookie and an epmd of its own; no part of it listens beyond loopback."""

import contextlib
import glob
import os
import shutil
import signal
import subprocess

from servers import SLOW, Server, free_port, listens

_HOME = sorted(glob.glob("/usr/lib/rabbitmq/lib/rabbitmq_server-*"))[-1:]
# One scheduler that sleeps while it waits: tests share the machine.
_ERLANG = "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none"
MESSAGE_MAX = 4 << 20  # less than usual, so that tests can exceed it
_READY = "Server startup complete"


class RabbitMQ(Server):
    name = "rabbitmq"
    seconds = 120  # of a machine that is busy; usually ten

    def __init__(self, folder, wants_certificates=False):
        """Of clients that come by TLS; client.pem and client.key are such."""
        super().__init__(folder)
        self._wants_certificates = wants_certificates
        self.port, self.tls_port, self._dist, self._epmd = (free_port() for _ in range(4))
        self._boots = 0

    def missing(self):
        if not _HOME:
            return "RabbitMQ is not installed (package rabbitmq-server)"
        return None if shutil.which("erl") else "Erlang is not installed (package erlang-base)"

    def prepare(self):
        (self.folder / "home").mkdir(mode=0o700)
        (self.folder / "enabled_plugins").write_text("[].\n")
        lines = [
            f"listeners.tcp.default = 127.0.0.1:{self.port}",
            f"log.file = {self._log()}",
            "log.console = false",
            "disk_free_limit.absolute = 50MB",
            "vm_memory_high_watermark.absolute = 512MB",
            f"max_message_size = {MESSAGE_MAX}",
        ]
        if shutil.which("openssl"):
            self._make_certificates()
            lines += [
                f"listeners.ssl.default = 127.0.0.1:{self.tls_port}",
                f"ssl_options.cacertfile = {self.folder}/ca.pem",
                f"ssl_options.certfile = {self.folder}/server.pem",
                f"ssl_options.keyfile = {self.folder}/server.key",
            ]
            if self._wants_certificates:
                lines += ["ssl_options.verify = verify_peer", "ssl_options.fail_if_no_peer_cert = true"]
        (self.folder / "rabbitmq.conf").write_text("\n".join(lines) + "\n")

    def _make_certificates(self):
        """Of an authority, ca.pem, and by it of localhost and of a client."""
        (self.folder / "names").write_text("subjectAltName=DNS:localhost\n")
        new = ["openssl", "req", "-newkey", "rsa:2048", "-nodes"]
        for command in (
            [*new, "-x509", "-days", "30", "-subj", "/CN=authority of a test", "-keyout", "ca.key", "-out", "ca.pem"],
            [*new, "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr"],
            ["openssl", "x509", "-req", "-days", "30", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
             "-extfile", "names", "-out", "server.pem"],
            [*new, "-subj", "/CN=a hub", "-keyout", "client.key", "-out", "client.csr"],
            ["openssl", "x509", "-req", "-days", "30", "-in", "client.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
             "-out", "client.pem"],
        ):  # fmt: skip
            subprocess.run(command, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=60 * SLOW)

    def environment(self):
        f = self.folder
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith("RABBITMQ_")},
            "HOME": f"{f}/home",
            "ERL_EPMD_PORT": str(self._epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": self._node(),
            "RABBITMQ_USE_LONGNAME": "false",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": f"{f}/rabbitmq.conf",
            "RABBITMQ_CONFIG_FILES": f"{f}/none",
            "RABBITMQ_MNESIA_BASE": f"{f}/mnesia",
            "RABBITMQ_LOG_BASE": f"{f}/log",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{f}/enabled_plugins",
            "RABBITMQ_DIST_PORT": str(self._dist),
            "RABBITMQ_PID_FILE": f"{f}/pid",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _ERLANG,
        }

    def command(self):
        self._boots = self._said_ready()
        return [f"{_HOME[0]}/sbin/rabbitmq-server"]

    def is_ready(self):
        return self._said_ready() > self._boots and listens(self.port)

    def address(self):
        """Ports, of plain AMQP and of TLS, and the folder where ca.pem is."""
        return f"{self.port} {self.tls_port} {self.folder}"

    def kill(self):
        super().kill()
        self._end_epmd()

    def stop(self):
        super().stop()
        self._end_epmd()

    def signal(self, number):
        """To all of its processes: SIGSTOP makes a broker that answers nothing."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def freeze(self):
        self.signal(signal.SIGSTOP)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def control(self, *words):
        """rabbitmqctl, which starts an Erlang of its own and has been seen to hang on a machine that is busy."""
        for _ in range(3):
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self._run([f"{_HOME[0]}/sbin/rabbitmqctl", "--node", self._node(), "--quiet", *words], 40)
        raise AssertionError(f"rabbitmqctl {' '.join(words)} does not end")

    # ---- what they are made of

    def _node(self):
        return f"standpipe{self.port}@localhost"

    def _log(self):
        return self.folder / "log/broker.log"

    def _said_ready(self):
        return self._log().read_text(errors="replace").count(_READY) if self._log().exists() else 0

    def said(self):
        log = self._log().read_text(errors="replace")[-1500:] if self._log().exists() else ""
        return super().said() + log

    def _run(self, command, seconds=60):
        done = subprocess.run(
            command, env=self.environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds * SLOW, start_new_session=True
        )
        assert done.returncode == 0, f"{command[0]}: {(done.stdout + done.stderr).decode(errors='replace')}"
        return done.stdout.decode()

    def _end_epmd(self):
        """It has left the broker's process group, and lives on without a node."""
        if shutil.which("epmd") and listens(self._epmd):
            with contextlib.suppress(subprocess.TimeoutExpired):
                subprocess.run(["epmd", "-port", str(self._epmd), "-kill"], capture_output=True, timeout=10 * SLOW)
