# SPDX-License-Identifier: Apache-2.0
"""Browsers' native messaging has our frame: hosts made with its libraries read a forward's FIFO and write into a source's, both ways.

The libraries are installed by their own tools into build/, once; where a registry does not give them the tests are skipped."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

from kit import equal, process, test, until
from kit.bench import Skip

HERE = pathlib.Path(__file__).resolve().parent
LIBRARIES = HERE.parent.parent / "build/interop"
BETWEEN = """
sources: {in: {fifo: in}, answers: {fifo: answers}}
handlers:
  host: {plugin: forward, options: {fifo: to_host}}
  out: {plugin: log, options: {path: out, format: frames}}
routes: [{from: in, to: host}, {from: answers, to: out}]
"""
MESSAGES = [{"n": n, "text": "x" * size + "\u00e9\u6f22"} for n, size in enumerate([0, 1, 4000, 5000, 100_000] + [30] * 500)]


def installed(name, command):
    """Its folder. Installed beside and renamed, so that tests that run at the same time do not see a half."""
    folder = LIBRARIES / name
    if folder.exists():
        return folder
    half = LIBRARIES / f"{name}.{os.getpid()}"
    half.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run([*command, half], cwd=half, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        why = (done.stderr.decode(errors="replace").strip().splitlines() or ["?"])[-1] if done.returncode else None
    except (OSError, subprocess.TimeoutExpired) as error:
        why = str(error)
    if not why:
        try:
            half.rename(folder)
        except OSError:  # another test was first
            pass
    shutil.rmtree(half, ignore_errors=True)
    if why:
        raise Skip(f"{name} cannot be installed: {why}")
    return folder


def through(t, command, environment, seen):
    os.mkfifo(t.path("to_host"))
    hub = t.start(BETWEEN)
    to_host = os.open(t.path("to_host"), os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(to_host, True)
    answers = os.open(t.path("answers"), os.O_WRONLY)
    host = process.spawn(command, stdin=to_host, stdout=answers, env=process.environment(t.folder) | environment)
    os.close(to_host)
    os.close(answers)
    hub.send("in", [json.dumps(m).encode() for m in MESSAGES])
    until(lambda: len(t.frames_so_far("out")) == len(MESSAGES), "all answers have come", 60)
    host.terminate()
    host.wait(20)
    account = hub.stop()
    account.says("in", accepted=len(MESSAGES)).says("in -> host", delivered=len(MESSAGES))
    account.says("answers", accepted=len(MESSAGES)).says("answers -> out", delivered=len(MESSAGES))
    equal([json.loads(frame) for frame in t.frames("out")], [m | {"seen": seen} for m in MESSAGES])


@test
def a_host_with_chrome_native_messaging_of_npm(t):
    if not shutil.which("npm") or not shutil.which("node"):
        raise Skip("npm or node is not installed")
    install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "chrome-native-messaging@0.2.0", "--prefix"]
    folder = installed("npm", install)
    command = ["node", "--no-deprecation", HERE / "native_messaging/host.js"]
    through(t, command, {"NODE_PATH": str(folder / "node_modules")}, "node")


@test
def a_host_with_nativemessaging_ng_of_pypi(t):
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "nativemessaging-ng==1.3.3", "--target"]
    folder = installed("pypi", install)
    through(t, [sys.executable, HERE / "native_messaging/host.py"], {"PYTHONPATH": str(folder)}, "python")
