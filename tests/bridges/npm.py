# SPDX-License-Identifier: Apache-2.0
"""Packages of npm that tests of bridges need: those that node/NAME/package-lock.json names, in a cache outside of the tree."""

import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

# So long a failure counts for the tests that come after it: each would wait as long for the same answer.
FAILED_FOR = 600
NODE = pathlib.Path(__file__).resolve().parent / "node"


def cache():
    home = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(home) / "standpipe-tests"


def place(name):
    """Where its node_modules are, or will be: another place for other versions."""
    lock = (NODE / name / "package-lock.json").read_bytes()
    return cache() / f"npm-{name}-{hashlib.sha256(lock).hexdigest()[:12]}"


def missing(name):
    """Installs them if they are not there; says why that is not possible, or None."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            return f"{program} is not installed"
    try:
        cache().mkdir(parents=True, exist_ok=True)
        with open(cache() / f"npm-{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return None if place(name).exists() else _failed_just_now(name) or _install_and_note(name)
    except OSError as error:
        return f"the packages of npm cannot be kept: {error}"


def _note(name):
    return cache() / f"npm-{name}.failed"


def _failed_just_now(name):
    try:
        return _note(name).read_text() if time.time() - _note(name).stat().st_mtime < FAILED_FOR else None
    except OSError:
        return None


def _install_and_note(name):
    why = _install(name)
    if why:
        _note(name).write_text(why)
    return why


def _install(name):
    with tempfile.TemporaryDirectory(dir=cache()) as folder:
        for file in ("package.json", "package-lock.json"):
            shutil.copy(NODE / name / file, folder)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        command += ["--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=8000"]
        try:
            done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=240)
        except subprocess.TimeoutExpired:
            return "npm ci did not end within 240 s"
        if done.returncode:
            return f"npm ci failed: {done.stderr.decode(errors='replace')[-300:]}"
        os.rename(folder, place(name))
        with contextlib.suppress(OSError):  # TemporaryDirectory wants to remove it
            os.mkdir(folder)
    return None


def run(t, name, *words, input=b"", seconds=60, env=None):
    """node/NAME/peer.mjs with these words; what it printed, as JSON lines. Skips the test where npm gives nothing."""
    from kit import SLOW
    from kit.bench import Skip

    if why := missing(name):
        raise Skip(why)
    folder = t.path("peer")
    folder.mkdir(exist_ok=True)
    command = ["node", "peer.mjs", *map(str, words)]
    done = subprocess.run(command, cwd=scripts(name, folder), env=env, input=input, capture_output=True, timeout=seconds * SLOW)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def scripts(name, folder):
    """Copies what node/NAME has of scripts into the folder, where they find their packages. Returns the folder."""
    for script in (NODE / name).glob("*.mjs"):
        shutil.copy(script, folder)
    modules = pathlib.Path(folder) / "node_modules"
    if not modules.is_symlink():
        modules.symlink_to(place(name) / "node_modules")
    return pathlib.Path(folder)
