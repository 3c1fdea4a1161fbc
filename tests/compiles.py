#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a build does not show: that each header compiles alone, and that folders too large for one file of a unity build would.

    python3 tests/compiles.py headers g++ clang++
    python3 tests/compiles.py unity build/test g++     # any build file by file: its compile_commands.json

Nothing is linked. All is compiled for real, though not optimised, so that a compiler cache (ccache) spares what did not change.
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


def compiles(what, command):
    done = subprocess.run(command, capture_output=True, text=True, cwd=HERE)
    if done.returncode:
        print(f"FAIL: {what}\n{done.stderr}")
    return done.returncode == 0


def report(jobs):
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda job: compiles(*job), jobs))
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    return 0 if results and all(results) else 1


def cache():
    return ["ccache"] if shutil.which("ccache") else []


def source(name, files):
    """A file that has nothing in it but those, and the words that compile it; the same words in each clone."""
    path = HERE / "build/compiles" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(f'#include "{os.path.relpath(file, path.parent)}"\n' for file in files)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
    ours = str(path.relative_to(HERE))
    return ["-O0", "-g0", "-c", ours, "-o", ours + ".o"]


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
    of_its_own = source(f"{str(name).replace('/', '-')}.{command[-1]}.{'c' if language == 'c' else 'cpp'}", [header])
    return f"{name} alone, {command[-1]}", [*command, *WARNINGS, f"-std={standard}", *FOLDERS, *of_its_own]


def headers(compilers):
    all_headers = [h for folder in ("router", "plugins", "sdk") for e in ("h", "hpp") for h in (HERE / folder).rglob(f"*.{e}")]
    jobs = []
    for header in sorted(h for h in all_headers if not is_first_of_its_own(h)):
        name = header.relative_to(HERE)
        for compiler in compilers:
            jobs.append(alone(header, name, [*cache(), compiler], "c++", "c++20"))
            if name.parts[0] == "sdk" and header.suffix == ".h":
                jobs.append(alone(header, name, [*cache(), C_OF[compiler]], "c", "c11"))
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


def options(command, compiler):
    """Those of the build's command, as far as another compiler knows them."""
    words = [w for w in shlex.split(command) if not w.endswith("ccache")]
    return [w for w in words[1 : words.index("-o")] if w != "-Wno-restrict" or "clang" not in compiler]


def unity(build, compilers):
    jobs = []
    for target, (command, files) in targets(build).items():
        if len(files) <= JOINED_BY_BUILDS:
            continue
        for compiler in compilers:
            whole = [*cache(), compiler, *options(command, compiler), *source(f"{target}.{compiler}.cpp", files)]
            jobs.append((f"{target} as one, {compiler}", whole))
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
