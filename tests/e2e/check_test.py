# SPDX-License-Identifier: Apache-2.0
"""`standpipe check` says every mistake of a configuration, and nothing else does anything."""

import hashlib
import os
import pathlib
import shutil
import subprocess

from kit import equal, process, test
from kit.mounts import run_with_mounts

BAD = pathlib.Path(__file__).resolve().parent.parent / "unit/config/bad"
GOOD = """version: 1
sources: {a: {fifo: a}, b: {fifo: b}}
handlers: {screen: {plugin: print}, out: {plugin: log, options: {path: out}}}
routes: [{from: a, to: screen}, {from: [a, b], to: out}]
unmatched: drop
"""


@test
def a_good_configuration_is_counted_and_nothing_is_made(t):
    t.path("good.yaml").write_text(GOOD)
    out, err = t.run("check", "good.yaml")
    equal((out, err), (b"ok: 2 sources, 2 handlers, 2 routes\n", ""))
    equal([p.name for p in t.folder.iterdir()], ["good.yaml"])


@test
def each_bad_configuration_is_reported_as_its_text_says(t):
    files = sorted([*BAD.glob("*.yaml"), *(path for path in BAD.iterdir() if path.is_dir())])
    assert len(files) > 20, f"there are only {len(files)} in {BAD}"
    program, plugins = with_six_plugins(t)
    environment = {key: value for key, value in process.environment(t.folder).items() if key != "STANDPIPE_PLUGIN_PATH"}
    for file in files:
        shutil.copytree(file, t.path(file.name)) if file.is_dir() else shutil.copy(file, t.folder)
        done = subprocess.run([program, "check", file.name], cwd=t.folder, env=environment, capture_output=True)
        only_warnings = file.stem.startswith("warnings")
        said = done.stderr.decode().replace(str(plugins), "PLUGINS").replace(str(t.folder), "FOLDER")
        equal(said, file.with_suffix(".stderr").read_text(), file.name)
        equal((done.returncode, done.stdout[:3]), (0, b"ok:") if only_warnings else (78, b""), file.name)


def with_six_plugins(t):
    """A program of its own and its folder of plugins, which messages list: the same six, however many there come to be."""
    lib = process.program().resolve().parent.parent / "lib/standpipe"
    plugins = t.path("program/lib/standpipe/plugins")
    plugins.mkdir(parents=True)
    for name in ("print", "log", "forward"):
        shutil.copy(lib / f"plugins/{name}.so", plugins)
    for name in ("every_option", "bringing", "speaking", "two_way"):
        shutil.copy(lib / f"config-plugins/{name}.so", plugins)
    t.path("program/bin").mkdir()
    shutil.copy(process.program(), t.path("program/bin"))
    return t.path("program/bin") / process.program().name, plugins


@test
def a_plugin_that_others_can_write_to_is_not_run_by_root_unless_it_is_pinned(t):
    if os.geteuid() != 0:
        return
    own = process.program().resolve().parent.parent / "lib/standpipe/plugins/print.so"
    t.path("own").mkdir()
    plugin = t.path("own/mine.so")
    shutil.copy(own, plugin)
    plugin.chmod(0o666)
    digest = hashlib.sha256(plugin.read_bytes()).hexdigest()

    def text(pin):
        return f"plugin_path: own\nsources: {{a: {{fifo: a}}}}\nhandlers: {{s: {{plugin: mine{pin}}}}}\nroutes: [{{from: a, to: s}}]\n"

    t.path("own.yaml").write_text(text(""))
    _, err = t.run("check", "own.yaml", status=78)
    assert "is not run by root" in err and f"chmod go-w {plugin}" in err, err
    t.path("own.yaml").write_text(text(f", sha256: {digest}"))
    t.run("check", "own.yaml")
    hub = t.hub(text(f", sha256: {digest}")).start()
    hub.stop()
    with plugin.open("ab") as file:
        file.write(b"more")
    _, err = t.run("check", "own.yaml", status=78)
    assert "is not the file that is pinned: its SHA-256 is " in err, err


@test
def a_plugin_that_crashes_when_it_is_made_is_a_mistake_with_its_place(t):
    t.only_uninstrumented()  # a sanitizer turns a crash into an end of its own
    for way, said in (("crash", r"crashed (SIGSEGV)"), ("exit", "ended the process (exit 0)"), ("kill", "crashed (SIGKILL)")):
        t.path("made.yaml").write_text(
            "version: 1\nsources: {a: {fifo: a}}\nhandlers:\n"
            f"  first: {{plugin: dying, options: {{in: create, by: {way}, until: cured}}}}\n"
            "  good: {plugin: print}\n"
            f"  last: {{plugin: dying, options: {{in: create, by: {way}, until: cured}}}}\n"
            "routes: [{from: a, to: [first, good, last]}]\n"
        )
        _, err = t.run("check", "made.yaml", status=78)
        for handler, line in (("first", 4), ("last", 6)):
            assert f"error: handler '{handler}': its plugin {said} when it was made" in err, err
            assert f"made.yaml:{line}:" in err, err
    hub = t.hub(t.path("made.yaml").read_text().replace("version: 1\n", ""))
    said = hub.fails_to_start(status=78)
    assert "handler 'first': its plugin crashed (SIGKILL) when it was made" in said, said


@test
def run_refuses_what_check_refuses(t):
    hub = t.hub(GOOD.replace("version: 1\n", "").replace("to: screen", "to: screem"))
    said = hub.fails_to_start(status=78)
    assert "unknown handler 'screem'" in said and "did you mean 'screen'?" in said, said
    assert not t.path("a").exists()


@test
def a_folder_or_a_missing_file_is_no_configuration(t):
    t.path("folder.yaml").mkdir()
    for name in ("folder.yaml", "nothing.yaml"):
        _, err = t.run("check", name, status=78)
        assert name in err and "error" in err, err


@test
def a_plugin_on_a_file_system_without_exec_is_reported(t):
    plugin = process.program().resolve().parent.parent / "lib/standpipe/plugins/print.so"
    t.path("mounted").mkdir()
    mounts = 'mount -t tmpfs -o noexec none mounted && cp "$1" mounted/print.so'
    said = run_with_mounts(t.folder, mounts, '"$2" plugin show mounted/print.so', plugin, process.program().resolve())
    assert "mounted/print.so cannot be loaded: its file system is mounted noexec" in said, said
