# SPDX-License-Identifier: Apache-2.0
"""The program of killer.c on a worker, and how a worker is found."""

import os
import pathlib
import subprocess
import time


def compile_into(folder):
    program = pathlib.Path(folder) / "killer"
    source = pathlib.Path(__file__).with_name("killer.c")
    subprocess.run(["cc", "-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror", "-o", program, source], check=True)
    return program


class Killer:
    """Watches from when it is made; `what` are the options of killer.c besides the processes."""

    def __init__(self, program, keeper, worker, *what):
        parent = ["--keeper", str(keeper)] if keeper != worker and any("," in w for w in what) else []
        command = [program, *parent, "--pid", str(worker), *what]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        first = self.process.stdout.readline()
        assert first == "attached\n", f"the killer says {first!r}"

    def end(self):
        """What it says when the last process it watched is gone."""
        return self.process.communicate(timeout=20)[0]


def worker_of(run):
    """The process that does the work: the only child of `run` that runs the same program, or `run` itself when it has none."""
    own = _program(run)
    children = [c for c in children_of(run) if own and _program(c) == own]
    return children[0] if len(children) == 1 else run


def children_of(pid):
    try:
        return [int(c) for task in pathlib.Path(f"/proc/{pid}/task").iterdir() for c in (task / "children").read_text().split()]
    except OSError:
        return []


def _program(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return None


def waits_for_events(run, alone=False):
    """The worker has seen what happened before this call: it waits, and is the same a little later. Unless `run` works `alone`, it
    is only the keeper, and says nothing between two workers."""
    first = _waiting_worker(run, alone)
    time.sleep(0.003)  # in which an event would have woken it
    return first is not None and _waiting_worker(run, alone) == first


def _waiting_worker(run, alone):
    pid = worker_of(run)
    if pid == run and not alone:
        return None
    try:
        call = pathlib.Path(f"/proc/{pid}/syscall").read_text().split()[0]
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return None
    # epoll_wait, epoll_pwait, epoll_pwait2; and in it, not stopped before it by the killer, which others may keep from going on
    return pid if call in ("232", "281", "441") and state == "S" else None
