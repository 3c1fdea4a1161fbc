# SPDX-License-Identifier: Apache-2.0
"""A configuration of several files and folders: one hub, which keeps what it read, and mistakes that name the right file."""

import os
import signal

from kit import equal, test

SOURCES = """sources: {a: {fifo: in/a}}
routes: [{from: a, to: [kept, other]}]
"""
HANDLERS = """data_dir: ../data
handlers: {kept: {plugin: log, options: {path: kept.log, format: frames}}}
"""
MORE = """handlers: {other: {plugin: log, options: {path: other.log, format: frames}}}
drain_timeout: 20s
"""


def folder(t):
    """conf.d with two files; more.yaml beside it, with relative paths of its own."""
    t.path("conf.d/in").mkdir(parents=True)
    t.path("conf.d/10-sources.yaml").write_text(SOURCES)
    t.path("conf.d/20-handlers.yaml").write_text(HANDLERS)
    t.path("conf.d/notes.txt").write_text("not: [yaml\n")
    t.path("more.yaml").write_text(MORE)


@test
def files_and_folders_are_checked_as_one_configuration(t):
    folder(t)
    equal(t.run("check", "conf.d/", "more.yaml")[0], b"ok: 1 source, 2 handlers, 1 route\n")
    _, err = t.run("check", "conf.d", status=78)
    assert "conf.d/10-sources.yaml:2:31" in err and "unknown handler 'other'" in err, err
    t.path("more.yaml").write_text(MORE.replace("other:", "kept:"))
    _, err = t.run("check", "conf.d", "more.yaml", status=78)
    assert "more.yaml:1:12" in err and "it stands at conf.d/20-handlers.yaml:2:12 already" in err, err


@test
def a_file_that_is_no_yaml_does_not_hide_the_mistakes_of_others(t):
    folder(t)
    t.path("conf.d/10-sources.yaml").write_text(SOURCES + "broken: [\n")
    t.path("more.yaml").write_text(MORE.replace("drain_timeout: 20s", "drain_timeout: 20"))
    _, err = t.run("check", "conf.d", "more.yaml", status=78)
    assert "conf.d/10-sources.yaml:3:9" in err and "more.yaml:2:16" in err and err.count("error: ") == 2, err


@test
def a_worker_after_a_crash_reads_what_the_first_one_read_and_stats_finds_the_hub_by_its_folder(t):
    folder(t)
    hub = t.hub("", control=None)
    hub.config = "conf.d/"
    hub.more = ["more.yaml"]
    hub.start()
    assert (t.path("data")).is_dir() and t.path("conf.d/in/a").is_fifo()
    hub.send("conf.d/in/a", [b"one"])
    for file in ("conf.d/10-sources.yaml", "conf.d/20-handlers.yaml", "more.yaml"):
        t.path(file).write_text("broken: [\n")
    os.kill(hub.pids()[1], signal.SIGKILL)
    hub.says("went on after")
    hub.send("conf.d/in/a", [b"two"])
    out, _ = t.run("stats", "conf.d")
    assert b"conf.d and 1 more" in out, out
    hub.stop().all_delivered(2)
    equal(t.frames("conf.d/kept.log"), [b"one", b"two"])
    equal(t.frames("other.log"), [b"one", b"two"])
