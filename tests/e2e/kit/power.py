# SPDX-License-Identifier: Apache-2.0
"""A failure of power, simulated: what was not synced is gone (power.c)."""

import os
import pathlib
import shutil
import signal

from . import process
from .bench import Skip
from .compiler import compile_c


class Power:
    """Of one folder of a test, which a hub that is started with `environment` writes to."""

    def __init__(self, t, folder):
        if process.is_instrumented():
            raise Skip("a sanitizer must be loaded before all else")
        library = t.path("power.so")
        compile_c(pathlib.Path(__file__).with_name("power.c"), library, "-shared", "-fPIC", libraries=["-ldl"])
        self.root, self.image, self.fails = t.path(folder), t.path("image"), t.path("sync fails")
        self.root.mkdir(exist_ok=True)
        for kind in ("inodes", "names"):
            (self.image / kind).mkdir(parents=True)
        found = {"POWER_ROOT": str(self.root), "POWER_IMAGE": str(self.image), "POWER_FAILS": str(self.fails)}
        # A list of libraries cannot name a folder with a space.
        link = pathlib.Path(f"/tmp/standpipe-power-{os.getpid()}.so")
        link.unlink(missing_ok=True)
        link.symlink_to(library)
        self.link = link
        self.environment = process.environment(t.folder) | found | {"LD_PRELOAD": str(link)}

    def fail(self, hub):
        """All processes end at once, and the folder has what was synced."""
        pids = hub.pids()
        for how in (signal.SIGSTOP, signal.SIGKILL):  # so that none acts on the death of another
            for pid in pids:
                os.kill(pid, how)
        hub.wait_status(20)
        inode = self.root.stat().st_ino
        lost = self.root.with_name("before the failure")
        self.root.rename(lost)
        self._restore(self.root, inode)
        shutil.rmtree(lost)
        self.link.unlink()

    def _restore(self, folder, inode):
        folder.mkdir(mode=0o700)
        names = self.image / "names" / str(inode)
        for line in names.read_text().splitlines() if names.exists() else []:
            number, kind, name = line.split(" ", 2)
            if kind == "d":
                self._restore(folder / name, number)
                continue
            kept = self.image / "inodes" / number
            (folder / name).write_bytes(kept.read_bytes() if kept.exists() else b"")
