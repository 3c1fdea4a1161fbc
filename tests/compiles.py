#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a build does not show: that each header compiles alone, and that folders too large for one file of a unity build would.

    python3 tests/compiles.py headers g++ clang++
    python3 tests/compiles.py unity build/test g++     # any build file by file: its compile_commands.json

Nothing is linked. Headers are compiled for real, to nearly nothing, so that a compiler cache (ccache) spares those that did not change.
"""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

HERE = pathlib.Path(__file__).resolve().parent.parent
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror"]
FOLDERS = ["-Isdk/include", "-Irouter", "-Iplugins"]
C_OF = {"g++": "gcc", "clang++": "clang", "c++": "cc"}
# The builds of asan and tsan join so many files (CMakePresets.json). So of smaller folders they compile all files as one, by clang and by
# gcc. What joins more than one build does, joins all: a name that two files have, or that one hides from another, meets there whatever
# the size of a batch; and an include that is missing, in the build file by file. So batches of CMake's own size, 8, are not tried.
JOINED_BY_BUILDS = 40


def compiles(what, command, text):
    done = subprocess.run(command, input=text, capture_output=True, text=True, cwd=HERE)
    if done.returncode:
        print(f"FAIL: {what}\n{done.stderr}")
    return done.returncode == 0


def report(jobs):
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda job: compiles(*job), jobs))
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    return 0 if results and all(results) else 1


# ---- headers


def is_first_of_its_own(header):
    """Every build file by file compiles those alone: the .cpp of the same name begins with it."""
    own = header.with_suffix(".cpp")
    if not own.exists():
        return False
    first = re.search(r"^#include .*", own.read_text(), re.MULTILINE)
    return bool(first) and first[0] == f'#include "{header.relative_to(HERE).as_posix().split("/", 1)[1]}"'


def alone(header, name, command, language, standard):
    """A job that compiles a file with nothing in it but the header."""
    source = HERE / "build/headers" / f"{str(name).replace('/', '-')}.{command[-1]}.{'c' if language == 'c' else 'cpp'}"
    source.parent.mkdir(parents=True, exist_ok=True)
    text = f'#include "{os.path.relpath(header, source.parent)}"\n'
    if not source.exists() or source.read_text() != text:
        source.write_text(text)
    ours = str(source.relative_to(HERE))
    whole = [*command, *WARNINGS, f"-std={standard}", *FOLDERS, "-O0", "-c", ours, "-o", ours + ".o"]
    return f"{name} alone, {command[-1]}", whole, None


def headers(compilers):
    all_headers = [h for folder in ("router", "plugins", "sdk") for e in ("h", "hpp") for h in (HERE / folder).rglob(f"*.{e}")]
    jobs = []
    cache = ["ccache"] if shutil.which("ccache") else []
    for header in sorted(h for h in all_headers if not is_first_of_its_own(h)):
        name = header.relative_to(HERE)
        for compiler in compilers:
            jobs.append(alone(header, name, [*cache, compiler], "c++", "c++20"))
            if name.parts[0] == "sdk" and header.suffix == ".h":
                jobs.append(alone(header, name, [*cache, C_OF[compiler]], "c", "c11"))
    return report(jobs)


# ---- unity builds


def targets(build):
    """target -> (how its first file is compiled, its files in order); those of tests are never joined."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        target = re.search(r"CMakeFiles/([^/ ]+)\.dir/", entry["command"])[1]
        if not target.startswith("unit_") and entry["file"].endswith(".cpp"):
            found.setdefault(target, (entry["command"], []))[1].append(entry["file"])
    return {target: whole for target, whole in found.items() if len(whole[1]) > 1}


def only_checks(command, compiler):
    """The build's command with another compiler, as far as that knows its options, and without output."""
    words = [w for w in shlex.split(command) if not w.endswith("ccache")]
    words = [compiler, *words[1 : words.index("-o")]]
    return [w for w in words if w != "-Wno-restrict" or "clang" not in compiler] + ["-fsyntax-only", "-x", "c++", "-"]


def unity(build, compilers):
    jobs = []
    for target, (command, files) in targets(build).items():
        text = "".join(f'#include "{file}"\n' for file in files)
        if len(files) > JOINED_BY_BUILDS:
            jobs += [(f"{target} as one, {compiler}", only_checks(command, compiler), text) for compiler in compilers]
    return report(jobs)


def main(words):
    if len(words) > 1 and words[0] == "headers":
        return headers(words[1:])
    if len(words) > 2 and words[0] == "unity":
        return unity(HERE / words[1], words[2:])
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
