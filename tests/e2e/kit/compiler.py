# SPDX-License-Identifier: Apache-2.0
"""Programs and libraries in C and C++, compiled for one test."""

import shutil
import subprocess


def compile_c(source, output, *flags, libraries=()):
    compiler = next((c for c in ("cc", "gcc", "clang") if shutil.which(c)), None)
    assert compiler, "no C compiler: apt-get install gcc"
    subprocess.run([compiler, "-O2", "-Wall", "-Wextra", "-Werror", *flags, "-o", output, source, *libraries], check=True)


def compile_cpp(source, output, *flags):
    compiler = next((c for c in ("c++", "g++", "clang++") if shutil.which(c)), None)
    assert compiler, "no C++ compiler: apt-get install g++"
    subprocess.run([compiler, "-std=c++20", "-O0", "-Wall", "-Wextra", "-Werror", *flags, "-o", output, source], check=True)
