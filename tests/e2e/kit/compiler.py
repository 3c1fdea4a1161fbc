# SPDX-License-Identifier: Apache-2.0
"""Programs and libraries in C, compiled for one test."""

import shutil
import subprocess


def compile_c(source, output, *flags, libraries=()):
    compiler = next((c for c in ("cc", "gcc", "clang") if shutil.which(c)), None)
    assert compiler, "no C compiler: apt-get install gcc"
    subprocess.run([compiler, "-O2", "-Wall", "-Wextra", "-Werror", *flags, "-o", output, source, *libraries], check=True)
