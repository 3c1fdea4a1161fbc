# SPDX-License-Identifier: Apache-2.0
"""`standpipe run` in a folder: start, send, wait for what it says, stop and take its account."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time

from kit import control, process
from kit.account import Account
from kit.fifo import Writer
from kit.timing import SLOW, equal, until

# What no hub may ever say.
_TROUBLE = re.compile(r"^bug:|DOES NOT CLOSE|ERROR: \w*Sanitizer|WARNING: ThreadSanitizer|runtime error:|^==\d+== ", re.MULTILINE)
# Before each entry of its log, and before the account.
_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d (?:info  (?=account ))?", re.MULTILINE)


class Hub:
    """Relative paths in its YAML lie in `folder`. `options` are those of process.spawn, and stdout. `control` is the path of its
    control socket, one of its own by default; None: wherever the hub puts it."""

    def __init__(self, folder, yaml, name="hub", control="", **options):
        self.folder, self.name, self.options = folder, name, options
        self.config = folder / f"{name}.yaml"
        patience = "" if "drain_timeout:" in yaml else f"drain_timeout: {10 * SLOW:g}s\n"
        self.config.write_text("version: 1\n" + patience + yaml)
        self.more = []  # other files and folders of its configuration
        self._stderr_path = folder / f"{name}.stderr"
        self._stdout_path = folder / f"{name}.stdout"
        self.control = folder / f"{name}.run/control" if control == "" else control
        self._account_path = folder / f"{name}.account"
        self.process = None
        self.account = None
        self.ended = False

    # ---- verbs

    def start(self):
        before = len(re.findall(r"\bready\b", self.stderr()))  # by an earlier run
        self.launch()
        self.says(r"\bready\b", before + 1, seconds=30)
        return self

    def send(self, fifo, messages):
        writer = Writer(self.folder / fifo)
        writer.send(*messages)
        writer.close()

    def says(self, pattern, count=1, seconds=20):
        """Waits until its standard error has that."""
        until(lambda: self._said(pattern, count), f"{self.name} says /{pattern}/", seconds)

    def stop(self, signal_number=signal.SIGTERM, seconds=20, status=0):
        self.process.send_signal(signal_number)
        return self.wait(seconds, status)

    def wait(self, seconds=20, status=0):
        """For its end, with this status, and with its account said."""
        equal(self.wait_status(seconds), status, f"exit status of {self.name}")
        self.account = Account(json.loads(self._account_path.read_text()))
        assert "account closes: " in self.stderr(), "the account is not among the last lines"
        return self.account

    def stats(self):
        """What `standpipe stats --json` prints while it runs, asked as that does: tests wait for what it says, and a program that is
        started each time, watched by a sanitizer, would take most of their processor time."""
        return json.loads(control.ask(self.folder / self.control, "stats json"))

    def account_now(self):
        """The account so far, which closes at every moment."""
        return Account(self.stats())

    # ---- and what they are made of

    def launch(self):
        binary = process.program() if "user" not in self.options else process.program_for_anyone(self.folder)
        options = {"cwd": self.folder, "env": process.environment(self.folder), "stdin": subprocess.DEVNULL} | self.options
        if "user" in self.options:
            options["env"]["STANDPIPE_PLUGIN_PATH"] = str(binary.parent.parent / "lib/standpipe/test-plugins")
        if self.control:
            self._make_control_folder()
        with self._stderr_path.open("ab") as stderr, self._stdout_path.open("wb") as stdout:
            command = [*process.wrapper(), binary, "run", self.config, *self.more, "--account", self._account_path]
            command += ["--control", self.control] if self.control else []
            self.process = process.spawn(command, **({"stdout": stdout, "stderr": stderr} | options))
        self.ended = False
        return self

    def _make_control_folder(self):
        """Where the hub may write even if its user may not write to the test's folder."""
        place = pathlib.Path(self.folder / self.control).parent
        place.mkdir(mode=0o700, exist_ok=True)
        if "user" in self.options and os.geteuid() == 0:
            os.chown(place, self.options["user"], -1)

    def fails_to_start(self, status=1):
        """Returns what it said."""
        self.launch()
        equal(self.wait_status(20), status, f"exit status of {self.name}, which says:\n{self.stderr()}")
        return self.stderr()

    def wait_status(self, seconds):
        try:
            status = self.process.wait(seconds * SLOW)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end within {seconds * SLOW:g} s") from None
        self.ended = True
        trouble = _TROUBLE.search(self.stderr())
        assert not trouble, f"{self.name} is in trouble: {trouble[0]}"
        return status

    def _said(self, pattern, count):
        if len(re.findall(pattern, self.stderr(), re.MULTILINE)) >= count:
            return True
        # Where a test has ended the keeper and said so, its workers go on and speak.
        assert self.ended or self.process.poll() is None, f"{self.name} ended, status {self.process.returncode}, without saying /{pattern}/"
        return False

    def stderr(self):
        """What it said, without the times of its lines."""
        said = self._stderr_path.read_text(errors="replace") if self._stderr_path.exists() else ""
        return _TIME.sub("", said)

    def stdout(self):
        return self._stdout_path.read_bytes()

    def pids(self):
        """The keeper's, and its worker's."""
        keeper = self.process.pid
        return [keeper, *map(int, (process_folder(keeper) / f"task/{keeper}/children").read_text().split())]

    def status_of(self, field):
        """A number of /proc/PID/status, the sum over its processes; kB are bytes here."""
        sum = 0
        for pid in self.pids():
            value = re.search(rf"^{field}:\s+(\d+)( kB)?", (process_folder(pid) / "status").read_text(), re.MULTILINE)
            sum += int(value[1]) * (1024 if value[2] else 1)
        return sum

    def cpu_ticks(self):
        return sum(int(stat[11]) + int(stat[12]) for stat in self._stats())

    def _stats(self):
        return [(process_folder(pid) / "stat").read_text().rpartition(")")[2].split() for pid in self.pids()]

    def until_asleep(self):
        """What happened before this call has been seen by the hub's loop: a sleeper would have been woken by it."""
        until(lambda: all(stat[0] == "S" for stat in self._stats()), f"{self.name} sleeps")

    def sleeps_for(self, seconds):
        """None of its threads used a processor or was woken in that time."""
        before = self._activity()
        time.sleep(seconds)  # what is measured, not a wait for something
        return self._activity() == before

    def _activity(self):
        tasks = [t for pid in self.pids() for t in sorted((process_folder(pid) / "task").iterdir())]
        return [s[11:13] for s in self._stats()], [re.findall(r"ctxt_switches:\s*(\d+)", (t / "status").read_text()) for t in tasks]


def process_folder(pid):
    return pathlib.Path("/proc") / str(pid)
