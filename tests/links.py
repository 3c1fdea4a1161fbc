#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that each folder of router/ links the folders whose headers it includes, and no others: python3 tests/links.py

The compiler sees no difference between a folder that is linked and one that comes along with another; readers do.
"""

import pathlib
import re
import sys

ROUTER = pathlib.Path(__file__).resolve().parent.parent / "router"
OUTSIDE = {"standpipe": "sdk"}  # the first part of an include -> the library that has it


def links():
    """Folder -> the folders that its CMakeLists.txt says it uses."""
    found = {}
    for lists in sorted(ROUTER.glob("*/CMakeLists.txt")):
        call = re.search(r"standpipe_folder\((\w+)(.*?)\)", lists.read_text(), re.DOTALL)
        uses = call[2].partition("USES")[2]
        found[call[1]] = set(re.findall(r"standpipe_(\w+)", uses))
    return found


def includes(folder, folders):
    """(the folder or library included, file:line), for each include of another folder of ours."""
    for path in sorted((ROUTER / folder).rglob("*")):
        if path.suffix not in (".h", ".cpp"):
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = re.match(r'#include ["<](\w+)/', line)
            other = found and OUTSIDE.get(found[1], found[1])
            if other and other != folder and (other in folders or other in OUTSIDE.values()):
                yield other, f"router/{path.relative_to(ROUTER)}:{number}"


def main():
    linked = links()
    findings = []
    for folder, uses in linked.items():
        used = {}
        for other, place in includes(folder, linked):
            used.setdefault(other, place)
        findings += [f"{place}: {folder}/ includes {other}/ and does not link it" for other, place in used.items() if other not in uses]
        findings += [f"router/{folder}/CMakeLists.txt: {folder} links {other} and includes nothing of it" for other in uses - set(used)]
    for finding in findings:
        print(f"FAIL: {finding}")
    print(f"{len(linked)} passed, 0 failed" if linked and not findings else f"0 passed, {max(1, len(findings))} failed")
    return 1 if findings or not linked else 0


if __name__ == "__main__":
    sys.exit(main())
