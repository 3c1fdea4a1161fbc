# SPDX-License-Identifier: Apache-2.0
"""`standpipe plugin list`, `show`, `new` and `check`: what is there, what is broken, and how one begins."""

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
    for name in ("forward", "log", "print", "reply"):
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


@test
def the_sample_of_each_plugin_passes_check_and_so_does_all_that_it_explains(t):
    for name in ("forward", "log", "print", "reply"):
        out, _ = t.run("plugin", "show", name, "--yaml")
        t.path("sample.yaml").write_bytes(out)
        said, _ = t.run("check", t.path("sample.yaml"))
        assert said.startswith(b"ok: 1 source, 1 handler, 1 route"), said


@test
def a_new_plugin_has_a_name_that_is_checked_and_overwrites_nothing(t):
    made = t.path("word-count")
    out, err = t.run("plugin", "new", "word-count", "--into", made)
    equal(err, "")
    assert f"{made}/word-count.cpp\n" in out.decode() and "make test check" in out.decode(), out
    before = (made / "word-count.cpp").read_bytes()
    _, err = t.run("plugin", "new", "word-count", "--into", made, status=1)
    assert "is there already, and nothing is overwritten" in err, err
    equal((made / "word-count.cpp").read_bytes(), before)
    for name, reason in (("Word", "lower-case"), ("../x", "lower-case"), ("2nd", "begin it with a letter")):
        _, err = t.run("plugin", "new", name, "--into", t.path("x"), status=2)
        assert reason in err, err
    _, err = t.run("plugin", "new", "log", "--into", t.path("x"), status=1)
    assert "there is a plugin 'log' already" in err, err
    assert not t.path("x").exists()


@test
def a_new_plugin_is_made_of_each_kind_in_each_language(t):
    for kind in ("handler", "source", "transform"):
        for language, end in (("cpp", ".cpp"), ("c", ".c"), ("python", "_plugin.py"), ("any", ".sh")):
            made = t.path(f"{kind}-{language}")
            out, err = t.run("plugin", "new", "word-count", "--kind", kind, "--lang", language, "--into", made)
            equal(err, "")
            assert f"{made}/word-count{end}\n" in out.decode(), out
            assert f"A {kind}" in (made / "README.md").read_text()


@test
def check_says_what_a_plugin_does_wrong_and_what_to_do(t):
    t.only_uninstrumented()  # a sanitizer keeps what is freed, so memory seems to grow
    out, err = t.run("plugin", "check", "print")
    equal(err, "")
    text = out.decode()
    assert "PASS  many             handles a batch of 10,000 messages\n" in text and " passed, 0 failed, 0 not run (" in text, text
    folder = t.path("plugins")
    folder.mkdir()
    (folder / "other.so").write_bytes((own() / "print.so").read_bytes())
    out, _ = t.run("plugin", "check", folder / "other.so", "--only", "name", status=1)
    assert "FAIL  name             lies in a file of its name\n      the file is other.so, and it calls itself print\n      help: " in out.decode(), out
    out, _ = t.run("plugin", "check", folder / "other.so", "--json", "--seed", "5", status=1)
    first, *results, last = map(json.loads, out.splitlines())
    equal((first["seed"], last["ok"], last["failed"]), (5, False, 1))
    equal([r["check"] for r in results if r["result"] == "failed"], ["name"])
    _, err = t.run("plugin", "check", "print", "--only", "memry", status=2)
    assert "there is no check 'memry'" in err and "did you mean 'memory'?" in err, err
    _, err = t.run("plugin", "check", "nothing", status=1)
    assert "there is no file nothing, and no plugin of that name" in err, err
