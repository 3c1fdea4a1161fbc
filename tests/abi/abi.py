#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The plugin ABI does not change by accident: python3 tests/abi/abi.py check|write

check   the header compiles without a warning as C11 and C++17 by each compiler; sizes, offsets and
        constants are those of plugin.layout; the header of minor 0 is the beginning of it; and
        abidiff finds no difference from plugin.abi.
write   makes plugin.layout and plugin.abi anew after something was appended on purpose. It refuses
        if what was there has moved: that would be another major version.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
HEADER = TOP / "sdk/include/standpipe/plugin.h"
MINOR_0 = TOP / "tests/unit/plugin/fixtures/minor_0/standpipe/plugin.h"
LAYOUT = HERE / "plugin.layout"
REFERENCE = HERE / "plugin.abi"

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]
LANGUAGES = {
    "gcc": ["-x", "c", "-std=c11"],
    "clang": ["-x", "c", "-std=c11"],
    "g++": ["-x", "c++", "-std=c++17"],
    "clang++": ["-x", "c++", "-std=c++17"],
}
# Structs without a size or stride of their own: they never grow.
FIXED = ["standpipe_string", "standpipe_item", "standpipe_pair", "standpipe_reason", "standpipe_note"]


class Failed(Exception):
    pass


def run(command, text=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


# ---- the header, read


def plain(header):
    return re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.DOTALL)


def structs(text):
    """name -> its fields, in order."""
    found = {}
    for body, name in re.findall(r"typedef struct \w+ \{(.*?)\} (\w+);", text, re.DOTALL):
        fields = []
        for declaration in filter(None, (d.strip() for d in body.split(";"))):
            function = re.search(r"\(\*(\w+)\)", declaration)
            several = re.findall(r"(\w+)(?:\[\w+\])?\s*(?:,|$)", declaration)
            fields += [function[1]] if function else several
        found[name] = fields
    return found


def constants(text):
    """name -> whether it is a text."""
    found = {}
    for name, value in re.findall(r"^#define (STANDPIPE_\w+) (\S.*)$", text, re.MULTILINE):
        if not value.startswith("__"):
            found[name] = value.startswith('"')
    for body in re.findall(r"\benum \{(.*?)\}", text, re.DOTALL):
        found.update({name: False for name in re.findall(r"(STANDPIPE_\w+)\s*=", body)})
    return found


# ---- its layout, as a program says it


def program(header):
    text = plain(header)
    lines = [f'#include "{header}"', "#include <stdio.h>", "int main(void) {"]
    for name, fields in structs(text).items():
        lines.append(f'  printf("{name} %u\\n", (unsigned)sizeof({name}));')
        for field in fields:
            at, size = f"offsetof({name}, {field})", f"sizeof((({name}*)0)->{field})"
            lines.append(f'  printf("  {field} %u %u\\n", (unsigned){at}, (unsigned){size});')
    for name, is_text in constants(text).items():
        kind, value = ("%s", name) if is_text else ("%llu", f"(unsigned long long){name}")
        lines.append(f'  printf("{name} = {kind}\\n", {value});')
    return "\n".join(lines + ["  return 0;", "}", ""])


def layout(header, compiler="gcc"):
    with tempfile.TemporaryDirectory() as folder:
        binary = pathlib.Path(folder) / "layout"
        run([compiler, *LANGUAGES[compiler], *WARNINGS, "-o", binary, "-"], program(header))
        return run([binary])


def parsed(text):
    """{struct: (size, {field: 'offset size'})}, {constant: value}"""
    found, values, fields = {}, {}, {}
    for line in text.splitlines():
        if " = " in line:
            name, _, value = line.partition(" = ")
            values[name] = value
        elif line.startswith("  "):
            name, _, place = line.strip().partition(" ")
            fields[name] = place
        else:
            name, size = line.split()
            fields = {}
            found[name] = (int(size), fields)
    return found, values


def moved(old, new):
    """What of the old layout is not in the new one as it was."""
    (old_structs, old_values), (new_structs, new_values) = parsed(old), parsed(new)
    for name, (size, fields) in old_structs.items():
        new_size, new_fields = new_structs.get(name, (0, {}))
        if new_size < size or (name in FIXED and new_size != size):
            yield f"{name} had {size} bytes and has {new_size}"
        for field, place in fields.items():
            if field == "reserved" and place in new_fields.values():  # it has a use now: those who are older leave it 0
                continue
            if new_fields.get(field) != place:
                yield f"{name}.{field} was at {place} (offset, bytes), is at {new_fields.get(field)}"
    for name, value in old_values.items():
        # The highest minor, and what is only for this side of the boundary.
        if name != "STANDPIPE_ABI_MINOR" and new_values.get(name) != value:
            yield f"{name} was {value}, is {new_values.get(name)}"


# ---- for abidiff: a library whose debug information has every struct


def library(folder):
    names = structs(plain(HEADER))
    lines = [f'#include "{HEADER}"']
    for name in names:
        lines.append(f"void uses_{name}(const {name}* it);\nvoid uses_{name}(const {name}* it) {{ (void)it; }}")
    lines.append("const standpipe_plugin* standpipe_plugin_v1(void) { return NULL; }")
    path = pathlib.Path(folder) / "abi.so"
    run(["gcc", "-g", "-shared", "-fPIC", *LANGUAGES["gcc"], "-o", path, "-"], "\n".join(lines) + "\n")
    return path


ABIDW = ["abidw", "--no-show-locs", "--no-corpus-path", "--no-comp-dir-path"]


# ---- checks


def check_warnings():
    """The header, and what its macros expand to in a plugin, by every compiler."""
    text = f"""#include "{HEADER}"
int is_there(const standpipe_batch* batch);
int is_there(const standpipe_batch* batch) {{
  return STANDPIPE_HAS(batch, standpipe_batch, ticket) &&
         STANDPIPE_STRIDE_HAS(batch->stride, standpipe_message, meta_count);
}}
"""
    for compiler, language in LANGUAGES.items():
        run([compiler, *language, *WARNINGS, "-fsyntax-only", "-"], text)


def check_every_struct_is_read():
    declared = set(re.findall(r"^typedef struct (\w+)", HEADER.read_text(), re.MULTILINE))
    if declared != set(structs(plain(HEADER))) or not declared:
        raise Failed(f"this program does not understand {declared ^ set(structs(plain(HEADER)))}")


def check_layout():
    wanted = LAYOUT.read_text()
    for compiler in LANGUAGES:
        found = layout(HEADER, compiler)
        if found != wanted:
            with tempfile.NamedTemporaryFile("w", suffix=".layout") as now:
                now.write(found)
                now.flush()
                diff = subprocess.run(["diff", "-U2", LAYOUT, now.name], capture_output=True, text=True, check=False)
            raise Failed(
                f"by {compiler} the header is not as plugin.layout says:\n{diff.stdout}"
                "if it was appended to on purpose: python3 tests/abi/abi.py write"
            )


def check_minor_0():
    gone = list(moved(layout(MINOR_0), layout(HEADER)))
    if gone:
        raise Failed("plugins built against minor 0 would break:\n" + "\n".join(gone))


def check_abidiff():
    if not shutil.which("abidiff"):
        return "abidiff is not there (Debian: abigail-tools)"
    with tempfile.TemporaryDirectory() as folder:
        now = pathlib.Path(folder) / "now.abi"
        run([*ABIDW, "--out-file", now, library(folder)])
        run(["abidiff", "--no-architecture", REFERENCE, now])
    return None


CHECKS = [check_warnings, check_every_struct_is_read, check_layout, check_minor_0, check_abidiff]


def check():
    passed = failed = 0
    for one in CHECKS:
        name = one.__name__.removeprefix("check_").replace("_", " ")
        try:
            skipped = one()
            print(f"SKIP: {name}: {skipped}" if skipped else f"PASS: {name}")
            passed += not skipped
        except Failed as failure:
            failed += 1
            print(f"FAIL: {name}\n{failure}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def write():
    new = layout(HEADER)
    gone = list(moved(LAYOUT.read_text(), new)) if LAYOUT.exists() else []
    if gone:
        print("error: this breaks plugins that exist:\n" + "\n".join(gone), file=sys.stderr)
        return 1
    if not shutil.which("abidw"):
        print("error: abidw is not there\n  help: apt-get install abigail-tools", file=sys.stderr)
        return 1
    LAYOUT.write_text(new)
    with tempfile.TemporaryDirectory() as folder:
        run([*ABIDW, "--out-file", REFERENCE, library(folder)])
    return 0


def main(words):
    if words not in (["check"], ["write"]):
        print(__doc__, file=sys.stderr)
        return 2
    if sys.maxsize < 2**32:
        print("SKIP: the references are those of a 64-bit machine\n0 passed, 0 failed")
        return 0
    return check() if words == ["check"] else write()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
