# SPDX-License-Identifier: Apache-2.0
"""The program of flood.c, compiled into the test's folder."""

import pathlib
import subprocess

from kit import process
from kit.compiler import compile_c
from kit.timing import SLOW, equal


class Flood:
    def __init__(self, folder):
        self.program = folder / "flood"
        compile_c(pathlib.Path(__file__).with_name("flood.c"), self.program, "-std=gnu11")

    def writer(self, fifo, number, count, size, each=False):
        return self._start("each" if each else "write", fifo, number, count, size)

    def checker(self, path, writers, count, size):
        return self._start("check", path, writers, count, size)

    def _start(self, *arguments):
        return process.spawn([self.program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    @staticmethod
    def finish(*children, seconds=300):
        for child in children:
            said, _ = child.communicate(timeout=seconds * SLOW)
            equal(child.returncode, 0, f"{child.args[1]} {child.args[2]}: {said.decode().strip()}")
