# SPDX-License-Identifier: Apache-2.0
"""`standpipe check --live` says what of the machine would be in the way of a start, and leaves it as it was."""

import os

from kit import equal, test
from kit.bench import Skip

HUB = """data_dir: data
sources: {{a: {{fifo: {fifo}}}}}
handlers: {{out: {handler}}}
routes: [{{from: a, to: out}}]
unmatched: drop
"""


def write(t, fifo="a", handler="{plugin: print}"):
    t.path("live.yaml").write_text(HUB.format(fifo=fifo, handler=handler))


def live(t, status=78):
    """What is found, after an offline check that finds nothing."""
    t.run("check", "live.yaml")
    out, err = t.run("check", "--live", "live.yaml", status=status)
    equal(out, b"ok: 1 source, 1 handler, 1 route; a hub could start now\n" if status == 0 else b"")
    return err


@test
def a_machine_that_is_ready_is_left_as_it_was(t):
    write(t, handler="{plugin: log, options: {path: new.log}}")
    equal(live(t, status=0), "")
    equal([p.name for p in t.folder.iterdir()], ["live.yaml"])
    t.path("new.log").write_text("a line\n")
    os.mkfifo(t.path("a"), 0o600)
    equal(live(t, status=0), "")
    equal(t.path("new.log").read_text(), "a line\n")


@test
def what_stands_in_the_place_of_a_fifo_is_told_with_the_remedy(t):
    write(t)
    t.path("a").write_text("not a FIFO")
    err = live(t)
    assert f"error: {t.path('a')} is a regular file, not a FIFO" in err and "live.yaml:2:21" in err and "help: name another path; or, if nobody needs what is in it, mv " in err, err
    t.path("a").unlink()
    t.path("a").mkdir()
    assert "is a folder, not a FIFO" in live(t)
    t.path("a").rmdir()
    t.path("a").symlink_to("nowhere")
    assert "is a symbolic link to something that does not exist" in live(t)


@test
def a_missing_folder_and_an_unknown_owner_are_told(t):
    write(t, fifo="run/in/a")
    err = live(t)
    assert f"the folder {t.path('run/in')} does not exist" in err and "help: mkdir -p" in err, err
    write(t, fifo="a, owner: nobody-of-that-name")
    assert "there is no user 'nobody-of-that-name'" in live(t)
    write(t, fifo="a, group: nobody-of-that-name")
    assert "there is no group 'nobody-of-that-name'" in live(t)
    write(t, handler="{plugin: forward, options: {fifo: gone/out}}")
    err = live(t)
    assert "handler 'out' cannot open:" in err and f"the folder {t.path('gone')} does not exist" in err, err
    assert not t.path("a").exists()


@test
def a_mode_that_differs_is_a_warning(t):
    write(t, fifo="a, mode: '0620'", handler="{plugin: forward, options: {fifo: out, mode: '0640'}}")
    for name in ("a", "out"):
        os.mkfifo(t.path(name))
        os.chmod(t.path(name), 0o600)
    err = live(t, status=0)
    for name, mode in (("a", "0620"), ("out", "0640")):
        assert f"{t.path(name)} has mode 0600, and the configuration says {mode}" in err, err
    assert "error" not in err, err


@test
def a_fifo_that_another_hub_reads_is_told_and_that_hub_notices_nothing(t):
    other = t.start("sources: {a: {fifo: a}}\nhandlers: {out: {plugin: log, options: {path: other.log}}}\nroutes: [{from: a, to: out}]\n")
    write(t)
    err = live(t)
    assert f"another hub (process {other.process.pid}) reads {t.path('a')}" in err and "help: stop that one" in err, err
    other.send("a", [b"one"])
    other.stop().all_delivered(1)


@test
def the_hub_of_the_configuration_itself_is_no_mistake(t):
    hub = t.start("data_dir: data\nsources: {a: {fifo: a}}\nhandlers: {out: {plugin: log, options: {path: own.log}}}\nroutes: [{from: a, to: out}]\n")
    out, err = t.run("check", "--live", hub.config.name)
    equal(out, b"ok: 1 source, 1 handler, 1 route; its hub runs\n")
    assert f"warning: a hub (process {hub.process.pid}) has the data folder {t.path('data')}" in err and "reads" not in err, err
    hub.send("a", [b"one"])
    hub.stop().all_delivered(1)


@test
def a_data_dir_that_cannot_be_is_told(t):
    write(t)
    t.path("data").write_text("")
    err = live(t)
    assert f"data_dir cannot be {t.path('data')}: {t.path('data')} is a regular file" in err and "live.yaml:1:11" in err, err


@test
def a_data_dir_that_no_permission_makes_possible_is_told(t):
    for place in ("/proc/standpipe", "/proc/self/standpipe/data"):
        write(t)
        t.path("live.yaml").write_text(t.path("live.yaml").read_text().replace("data_dir: data", f"data_dir: {place}"))
        err = live(t)
        assert f"data_dir cannot be {place}: /proc" in err and "cannot be written to" in err, err


@test
def a_data_dir_that_another_hub_has_is_told(t):
    other = t.start("data_dir: data\nsources: {o: {fifo: o}}\nhandlers: {out: {plugin: log, options: {path: o.log}}}\nroutes: [{from: o, to: out}]\n")
    write(t)
    err = live(t)
    assert f"error: another hub (process {other.process.pid}) has the data folder {t.path('data')}" in err, err
    assert "live.yaml:1:11" in err and "help: set data_dir in one of them" in err, err
    other.send("o", [b"one"])
    other.stop().all_delivered(1)


@test
def a_data_dir_that_cannot_be_written_to_is_told(t):
    if os.geteuid() == 0:
        raise Skip("root may write anywhere")
    write(t)
    t.folder.chmod(0o500)
    try:
        assert "cannot be written to" in live(t)
    finally:
        t.folder.chmod(0o700)


@test
def a_file_that_cannot_be_written_is_told_at_its_path(t):
    write(t, handler="{plugin: log, options: {path: gone/out.log}}")
    err = live(t)
    assert f"error: handler 'out' cannot write its file: the folder {t.path('gone')} does not exist" in err and "live.yaml:3:" in err, err


@test
def a_plugin_that_crashes_when_it_opens_ends_nothing_but_its_child(t):
    t.only_uninstrumented()  # a sanitizer turns a crash into an end of its own
    write(t, handler="{plugin: dying, options: {in: open, by: kill, until: cured}}")
    assert "handler 'out': its plugin crashed (SIGKILL) when it was opened" in live(t)


@test
def mistakes_of_the_configuration_come_before_the_machine(t):
    write(t, handler="{plugin: prnt}")
    t.path("a").write_text("not a FIFO")
    _, err = t.run("check", "--live", "live.yaml", status=78)
    assert "unknown plugin 'prnt'" in err and "not a FIFO" not in err, err
