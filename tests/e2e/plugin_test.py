# SPDX-License-Identifier: Apache-2.0
"""`standpipe plugin list` and `show`: what is there, what is broken, and where was looked."""

import json
import os

from kit import equal, process, test


def own():
    return process.program().resolve().parent.parent / "lib/standpipe/plugins"


@test
def broken_plugins_are_listed_with_their_reason_beside_the_sound_ones(t):
    folder = t.path("plugins")
    folder.mkdir()
    (folder / "text.so").write_text("#!/bin/sh\n")
    (folder / "cut.so").write_bytes((own() / "log.so").read_bytes()[:20_000])
    os.mkfifo(folder / "fifo.so")
    out, err = t.run("plugin", "list", "--plugins", folder)
    equal(err, "")
    listed = {line.split()[0]: line for line in out.decode().splitlines()}
    for name, reason in (("text", "not a shared object"), ("cut", "truncated"), ("fifo", "not a regular file")):
        assert "broken" in listed[name] and reason in listed[name], listed[name]
    for name in ("forward", "log", "print"):
        assert "handler" in listed[name], listed[name]
    out, _ = t.run("plugin", "list", "--plugins", folder, "--json")
    kinds = {p["name"]: p["kind"] for p in map(json.loads, out.splitlines())}
    equal((kinds["cut"], kinds["log"]), ("broken", "handler"))


@test
def a_folder_that_is_not_there_is_named(t):
    out, err = t.run("plugin", "list", "--plugins", "/nope")
    equal(err, "warning: there is no plugin folder /nope\n  help: correct --plugins\n")
    assert b"print" in out
    _, err = t.run("plugin", "show", "nothing", "--plugins", "/nope", status=1)
    assert "searched in /nope (no such folder), " in err and err.endswith(f"{own()}\n"), err
