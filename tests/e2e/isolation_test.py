# SPDX-License-Identifier: Apache-2.0
"""Where a handler runs: on the hub's loop, in a thread, in a process of its own. The same everywhere, but for what a death takes along."""

import os
import pathlib
import re
import shutil
import signal
import sys
import time

from kit import equal, process, test, until
from kit.bench import Skip

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "crash"))

from killer import children_of, worker_of  # noqa: E402 (its folder must be known first)

ONE = """
data_dir: state
sources: {in: {fifo: in}}
handlers:
  it: {plugin: %s%s, options: {%s}}
routes: [{from: in, to: it}]
"""
BESIDE = """
data_dir: state
sources: {in: {fifo: in}}
handlers:
  bad: {isolation: process, plugin: %s%s, options: {%s}}
  out: {plugin: log, options: {path: out, format: frames}}
routes: [{from: in, to: [bad, out]}]
"""
QUICK = ", retry: {max_attempts: 3, backoff: {initial: 1ms, max: 5ms}}"


def numbered(count, poison=()):
    return [(b"poison %d" if i in poison else b"message %d") % i for i in range(count)]


def worker(hub):
    return until(lambda: (w := worker_of(hub.process.pid)) != hub.process.pid and w, "the keeper has a worker")


def child(hub, name="bad"):
    """The process of a handler, by what ps shows."""

    def find():
        for pid in children_of(worker_of(hub.process.pid)):
            if command_line(pid)[:1] == [f"standpipe: {name}"]:
                return pid
        return None

    return until(find, f"handler {name} has a process")


def command_line(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[:-1]
    except OSError:
        return []


def gone(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def never_restarted(hub):
    equal(hub.stderr().count("went on after"), 0, "restarts of the worker")


# ---- every plugin in every placement


def places(plugin):
    return ["inline", "thread", "process"] if plugin in ("forward", "counting", "hanging") else ["thread", "process"]


def in_each(t, plugin, options, more="", count=300):
    """Yields a hub that has this plugin alone, for each place where it may run, after it was sent `count` messages."""
    for place in places(plugin):
        for left in list(t.path(".").iterdir()):
            if left.is_file():
                left.unlink()
        shutil.rmtree(t.path("state"), ignore_errors=True)
        hub = t.start(ONE % (plugin, f", isolation: {place}" + more, options))
        hub.send("in", numbered(count))
        yield hub


@test(seconds=120)
def print_does_the_same_in_each_isolation(t):
    for hub in in_each(t, "print", 'template: "{source} {sequence} {payload}"'):
        hub.stop().all_delivered(300)
        equal(t.path(f"{hub.name}.stdout").read_bytes(), b"".join(b"in %d message %d\n" % (i + 1, i) for i in range(300)))


@test(seconds=120)
def log_does_the_same_in_each_isolation(t):
    for format in ("frames", "lines"):
        for hub in in_each(t, "log", f"path: out, format: {format}"):
            hub.stop().all_delivered(300)
            expected = numbered(300)
            equal(t.frames("out") if format == "frames" else t.path("out").read_bytes().splitlines(), expected)


@test(seconds=120)
def forward_does_the_same_in_each_isolation(t):
    for hub in in_each(t, "forward", "fifo: next"):
        equal(t.reader("next").take(300), numbered(300))
        hub.stop().all_delivered(300)


@test(seconds=120)
def plugins_that_write_themselves_do_the_same_in_each_isolation(t):
    for plugin in ("recording", "recorder"):
        for hub in in_each(t, plugin, "path: out"):
            hub.stop().all_delivered(300)
            equal([line.split()[1] for line in t.path("out").read_text().splitlines()], [str(i + 1) for i in range(300)])


@test(seconds=120)
def what_a_plugin_says_when_it_is_closed_is_heard_in_each_isolation(t):
    for hub in in_each(t, "counting", ""):
        hub.stop().all_delivered(300)
        assert re.search(r"it: counted 300 messages, \d+ bytes", hub.stderr())


@test(seconds=120)
def outcomes_are_the_same_in_each_isolation(t):
    for hub in in_each(t, "rejecting", "every: 3"):
        hub.stop().says("in", accepted=300).says("in -> it", delivered=200, dead_lettered=100, dead_letters={"rejected": 100})
        assert "message 3 is one of those to reject" in hub.stderr()
    for hub in in_each(t, "retrying", "every: 5, attempts: 3", QUICK.replace("3", "5")):
        hub.stop().all_delivered(300)
    for hub in in_each(t, "slow", "delay: 1ms", count=100):
        hub.stop().all_delivered(100)
    for hub in in_each(t, "held", ""):
        hub.says("it is held: held at message 1")
        account = hub.stop().says("in", accepted=300)
        equal(account.of("in -> it")["in_flight"], 300)


@test
def a_plugin_that_asks_for_a_process_has_one_unless_the_configuration_says_otherwise(t):
    t.path("cured").write_bytes(b"")
    for more, has_one in (("", True), (", isolation: thread", False)):
        hub = t.start(ONE % ("lying", more, "lie: close, until: cured"))
        hub.send("in", [b"one"])
        equal([command_line(p)[0] for p in children_of(worker(hub))], ["standpipe: it"] if has_one else [])
        hub.stop().all_delivered(1)


@test
def a_large_message_is_the_same_in_a_process(t):
    large = os.urandom(15 << 20)
    hub = t.start(ONE % ("recording", ", isolation: process", "path: out"))
    hub.send("in", [b"small", large, b""])
    hub.stop().all_delivered(3)
    equal([int(line.split()[2]) for line in t.path("out").read_text().splitlines()], [5, len(large), 0])


@test
def a_file_is_opened_again_by_a_plugin_in_a_process(t):
    hub = t.start(ONE % ("log", ", isolation: process", "path: out, format: frames"))
    hub.send("in", [b"one"])
    t.until_logged("out", [b"one"])
    t.path("out").rename(t.path("moved"))
    hub.process.send_signal(signal.SIGUSR1)
    hub.says("it: reopened")
    hub.send("in", [b"two"])
    t.until_logged("out", [b"two"])
    hub.stop().all_delivered(2)
    equal(t.frames("moved"), [b"one"])


# ---- a death in a process


def one_poisoned(t, plugin, options, said, reason="crashed", more="", seconds=30):
    t.only_uninstrumented()  # a sanitizer turns a crash into an error of its own
    messages = numbered(2000, poison=[1000])
    hub = t.start(BESIDE % (plugin, more, options))
    hub.send("in", messages)
    hub.says(r"bad: message 1,001 of in is dead-lettered: its plugin " + said, seconds=seconds)
    account = hub.stop().says("in", accepted=2000).says("in -> out", delivered=2000)
    account.says("in -> bad", delivered=1999, dead_lettered=1, dead_letters={reason: 1})
    equal(t.frames("out"), messages)
    assert messages[1000] in t.path("state/dead-letters.log").read_bytes()
    never_restarted(hub)
    return hub


@test(seconds=120)
def a_message_that_its_handler_dies_of_ends_its_process_alone(t):
    for way, said in (
        ("crash", r"crashed \(SIGSEGV\)"),
        ("exit", r"ended the process \(exit 0\)"),
        ("quit", r"ended the process \(exit 0\)"),
        ("kill", r"was killed \(SIGKILL\)"),
        ("alarm", r"was killed \(SIGALRM\)"),
        ("overflow", r"crashed \(SIGSEGV\)"),
    ):
        hub = one_poisoned(t, "dying", f"in: handle, by: {way}, until: cured", said)
        if way == "crash":
            assert "dying.so+0x" in hub.stderr(), "where it crashed is said"
        for left in ("out", "state/dead-letters.log"):
            t.path(left).unlink()


@test(seconds=120)
def a_corrupted_heap_is_the_handlers_own(t):
    one_poisoned(t, "recorder", "path: bad.out, trap: poison, trap_does: corrupt", r"crashed \(SIG\w+\)")


@test(seconds=120)
def a_call_that_hangs_ends_its_process_and_nothing_else(t):
    one_poisoned(
        t, "recorder", "path: bad.out, trap: poison, trap_does: hang", "did not come back within 300ms", "timeout", ", timeout: 300ms"
    )


@test(seconds=120)
def a_handler_that_dies_of_every_message_is_held_and_its_messages_wait(t):
    t.only_uninstrumented()
    messages = numbered(200)
    hub = t.start(BESIDE % ("dying", "", "in: handle, by: crash, until: cured, trap: message"))
    hub.send("in", messages)
    hub.says(r"bad is held: its plugin died of 5 messages in a row \(crashed \(SIGSEGV\)\)", seconds=60)
    t.until_logged("out", messages)
    account = hub.stop().says("in", accepted=200).says("in -> out", delivered=200)
    bad = account.of("in -> bad")
    equal((bad["dead_lettered"], bad["in_flight"]), (4, 196))
    never_restarted(hub)


@test(seconds=120)
def a_handler_that_dies_whenever_it_is_made_or_opened_or_closed_is_held(t):
    t.only_uninstrumented()
    for phase in ("create", "open", "close"):
        t.path("cured").write_bytes(b"")  # or a handler that cannot be made would keep the hub from starting
        hub = t.start(BESIDE % ("dying", "", f"in: {phase}, by: crash, until: cured, trap: one"))
        t.path("cured").unlink()
        os.kill(child(hub), signal.SIGKILL)
        hub.send("in", [b"one"])
        hub.says(rf"bad is held: its plugin has ended its process 3 times in {phase}", seconds=30)
        t.until_logged("out", [b"one"])
        account = hub.stop().says("in", accepted=1).says("in -> out", delivered=1)
        equal(account.of("in -> bad")["in_flight"], 1)
        never_restarted(hub)
        t.path("out").unlink()
        shutil.rmtree(t.path("state"))


@test(seconds=120)
def nine_handlers_go_on_beside_one_that_crashes_again_and_again(t):
    t.only_uninstrumented()
    good = "".join(f"  good{i}: {{plugin: log, options: {{path: good{i}, format: frames}}}}\n" for i in range(9))
    hub = t.start(
        "data_dir: state\nsources: {in: {fifo: in}}\nhandlers:\n"
        + "  bad: {isolation: process, plugin: dying, options: {in: handle, by: crash, until: cured}}\n"
        + good
        + "routes: [{from: in, to: [bad, "
        + ", ".join(f"good{i}" for i in range(9))
        + "]}]\n"
    )
    messages = numbered(20_000, poison=range(500, 20_000, 1000))
    hub.send("in", messages)
    for i in range(9):
        t.until_logged(f"good{i}", messages)
        equal(t.frames(f"good{i}"), messages)
    hub.says("is dead-lettered: its plugin crashed", count=20, seconds=60)
    account = hub.stop().says("in", accepted=20_000)
    for i in range(9):
        account.says(f"in -> good{i}", delivered=20_000)
    account.says("in -> bad", delivered=19_980, dead_lettered=20, dead_letters={"crashed": 20})
    assert hub.stderr().count("bad: its plugin crashed (SIGSEGV) in handle, at message") >= 60, "three deaths each"
    never_restarted(hub)


@test
def what_a_process_has_started_ends_with_it_also_in_a_session_of_its_own(t):
    t.path("leaves.sh").write_text("#!/bin/sh\nsetsid sh -c 'sleep 1000 & echo $! >>far; exec sleep 1000' &\necho $! >>near\nexec cat >>got\n")
    t.path("leaves.sh").chmod(0o700)
    hub = t.start(BESIDE % ("exec", "", "command: [./leaves.sh], answers: none"))
    hub.send("in", [b"one"])

    def left(count):
        """Who it has started, when it was started so often."""
        names = [t.path("near"), t.path("far")]
        found = [int(line) for name in names if name.exists() for line in name.read_text().split()]
        return len(found) == 2 * count and found

    first = until(lambda: left(1), "it has started two")
    assert not any(map(gone, first))
    until(lambda: hub.account_now().of("in -> bad")["delivered"] == 1, "no call is in progress")
    os.kill(child(hub), signal.SIGKILL)
    until(lambda: all(map(gone, first)), "both have ended")
    hub.says("bad: its plugin was killed .SIGKILL.")
    hub.send("in", [b"two"])
    second = until(lambda: left(2), "it is started again")
    until(lambda: hub.account_now().of("in -> bad")["delivered"] == 2, "and goes on")
    assert not all(map(gone, second))
    hub.stop().says("in", accepted=2).says("in -> out", delivered=2).says("in -> bad", delivered=2)
    assert all(map(gone, second)), "they end with the hub, too"
    never_restarted(hub)


@test
def a_process_that_is_killed_while_it_has_nothing_to_do_is_started_again(t):
    hub = t.start(BESIDE % ("recording", "", "path: bad.out"))
    hub.send("in", [b"one"])
    t.until_logged("out", [b"one"])
    until(lambda: t.size("bad.out"), "the first is handled")
    first = child(hub)
    os.kill(first, signal.SIGKILL)
    hub.says(r"bad: its plugin was killed \(SIGKILL\) while it had nothing to do; its process is started again")
    assert child(hub) != first
    hub.send("in", [b"two"])
    hub.stop().all_delivered(2)
    never_restarted(hub)


@test
def a_stop_does_not_wait_for_a_process_that_hangs(t):
    hub = t.start("drain_timeout: 1s\n" + BESIDE % ("hanging", "", "until: cured"))
    hub.send("in", [b"hang"])
    t.until_logged("out", [b"hang"])
    pid = child(hub)
    hub.process.send_signal(signal.SIGTERM)
    account = hub.wait(seconds=20)
    account.says("in", accepted=1).says("in -> out", delivered=1)
    equal(account.of("in -> bad")["in_flight"], 1)
    until(lambda: gone(pid), "its process is gone")


# ---- what a process has, and has not


@test
def a_handlers_process_has_no_descriptor_that_it_does_not_need(t):
    hub = t.start(BESIDE % ("counting", "", ""))
    pid = child(hub)
    has = lambda: sorted(os.readlink(f"/proc/{pid}/fd/{fd}").split(":")[0] for fd in os.listdir(f"/proc/{pid}/fd") if int(fd) > 2)
    until(lambda: has() == ["socket", "socket"], "it has two sockets and nothing else")
    memory = [line for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines() if "standpipe-memory" in line]
    assert memory and all(line.split()[1] == "r--s" for line in memory), memory
    hub.stop()


@test
def a_handlers_process_dies_with_a_worker_that_is_killed_and_the_next_has_another(t):
    hub = t.start(BESIDE % ("recording", "", "path: bad.out"))
    hub.send("in", [b"one"])
    first = child(hub)
    os.kill(worker(hub), signal.SIGKILL)
    until(lambda: gone(first), "it is gone with its worker")
    hub.says("went on after")
    assert child(hub) != first
    hub.send("in", [b"two"])
    account = hub.stop().says("in", accepted=2).says("in -> bad", delivered=2)
    account.says("in -> out", delivered=2)


@test
def no_process_is_left_by_a_hub_that_is_killed_as_a_whole(t):
    hub = t.start(BESIDE % ("counting", "", ""))
    pid, of = child(hub), worker(hub)
    hub.process.kill()
    os.kill(of, signal.SIGKILL)
    until(lambda: gone(pid), "it is gone")
    hub.process.wait()
    hub.ended = True


@test
def a_process_has_no_more_memory_than_its_limit(t):
    t.only_uninstrumented()
    hub = t.start(BESIDE % ("counting", ", memory_max: 64MiB", ""))
    limits = pathlib.Path(f"/proc/{child(hub)}/limits").read_text()
    until(lambda: re.search(r"Max data size +67108864 +67108864", pathlib.Path(f"/proc/{child(hub)}/limits").read_text()), f"it is limited: {limits}")
    hub.stop()


@test
def a_process_runs_as_the_user_that_is_named(t):
    if os.geteuid() != 0:
        raise Skip("only root can become somebody else")
    shared = process.program_for_anyone(t.path("."))
    os.chmod(t.path("."), 0o755)
    plugins = shared.parent.parent / "lib/standpipe/test-plugins"
    hub = t.start(BESIDE % (f'"{plugins}/counting.so"', ", user: nobody", ""))
    pid = child(hub)
    status = lambda: pathlib.Path(f"/proc/{pid}/status").read_text()
    until(lambda: re.search(rf"^Uid:\s+{process.NOBODY}\s+{process.NOBODY}\s+{process.NOBODY}\s", status(), re.MULTILINE), "it is nobody")
    assert "CapEff:\t0000000000000000" in status()
    hub.send("in", [b"one"])
    hub.stop().all_delivered(1)


@test
def a_user_that_cannot_be_had_is_said_at_the_start(t):
    hub = t.hub(BESIDE % ("counting", ", user: nobody-of-that-name", ""))
    said = hub.fails_to_start(78)
    assert "handler bad refuses to be made: there is no user nobody-of-that-name" in said, said
    assert "that is about its process: correct 'user'" in said, said


# ---- a process that lies


@test(seconds=120)
def a_process_that_talks_nonsense_is_ended_and_harms_nobody(t):
    t.only_uninstrumented()
    for lie in ("number", "packet", "service", "flood", "file", "close"):
        hub = t.start(BESIDE % ("lying", "", f"lie: {lie}, until: cured"))
        hub.send("in", [b"one"])
        hub.says("bad: its plugin answered nonsense and was killed in handle, at message 1 of in", seconds=30)
        t.path("cured").write_bytes(b"")
        until(lambda: hub.account_now().of("in -> bad")["in_flight"] == 0, "the cured one handles it")
        hub.stop().all_delivered(1)
        never_restarted(hub)
        for left in ("out", "cured"):
            t.path(left).unlink()


@test(seconds=120)
def a_process_that_overwrites_what_it_shares_with_the_hub_harms_nobody(t):
    t.only_uninstrumented()
    hub = t.start(BESIDE % ("lying", "", "lie: page, until: cured"))
    hub.send("in", numbered(20))
    t.until_logged("out", numbered(20))
    time.sleep(0.5)  # whatever comes of it
    t.path("cured").write_bytes(b"")
    account = hub.stop(seconds=40).says("in", accepted=20).says("in -> out", delivered=20)
    account.of("in -> bad")
    never_restarted(hub)


@test
def a_process_cannot_write_to_messages(t):
    t.only_uninstrumented()
    hub = t.start(BESIDE % ("lying", "", "lie: message, until: cured"))
    hub.send("in", [b"one"])
    hub.says(r"bad: its plugin crashed \(SIGSEGV\) in handle")
    t.path("cured").write_bytes(b"")
    hub.stop().all_delivered(1)
    equal(t.frames("out"), [b"one"])
