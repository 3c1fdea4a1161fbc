# SPDX-License-Identifier: Apache-2.0
"""What surrounds the two processes: signals that reach both, descriptors of the caller's, terminals and closed streams."""

import fcntl
import json
import os
import pty
import resource
import select
import signal
import subprocess
import sys
import time

from kit import equal, process, test, until
from kit.bench import Skip
from kit.timing import SLOW
from journey_test import FORWARD, LOG
from sources_test import needs_root, open_to_anyone


@test(seconds=120)
def a_signal_to_the_whole_process_group_counts_once_and_is_never_lost(t):
    for number in (signal.SIGTERM, signal.SIGINT) * 4:
        hub = t.start("drain_timeout: 60s\n" + FORWARD, start_new_session=True)
        hub.send("in", [b"one"])  # nobody takes it: counted twice, the signal would end the hub at once
        os.killpg(hub.process.pid, number)
        hub.says("stopping: what was written until now is delivered")
        time.sleep(0.2)
        assert "asked to stop again" not in hub.stderr()
        os.killpg(hub.process.pid, number)
        account = hub.wait()
        account.says("in", accepted=account.of("in")["accepted"])
        assert "asked to stop a second time: the hub stops waiting" in hub.stderr()
        account.says("in -> next", in_flight=account.of("in -> next")["in_flight"])
        t.path(f"{hub.name}.stderr").unlink()


@test
def a_fifo_that_the_caller_holds_open_has_no_writer_in_the_hub(t):
    os.mkfifo(t.path("in"), 0o600)
    held = os.open(t.path("in"), os.O_RDWR)
    hub = t.start(LOG, pass_fds=(held,))
    os.close(held)
    writer = t.writer("in")
    writer.write_seen(b"no frame at all")
    writer.close()
    hub.says("in: its writers have gone")
    hub.send("in", [b"one"])
    t.until_logged("out", [b"one"])
    hub.stop().says("in", accepted=1, bad_frame=1, discarded_bytes=15).says("in -> out", delivered=1)


@test
def a_descriptor_that_the_command_line_names_is_the_hubs(t):
    t.path("hub.yaml").write_text("version: 1\n" + LOG)
    reading, writing = os.pipe()
    hub = t.standpipe("run", "hub.yaml", "--account", f"/dev/fd/{writing}", pass_fds=(writing,))
    os.close(writing)
    while b"ready" not in hub.stderr.readline():
        pass
    hub.terminate()
    equal(hub.wait(20 * SLOW), 0)
    equal(list(json.loads(os.read(reading, 1 << 16))["sources"]), ["in"])
    os.close(reading)


@test
def sockets_of_a_service_manager_are_refused_in_a_sentence(t):
    script = 'LISTEN_PID=$$ LISTEN_FDS=2 exec "$@"'
    hub = t.hub(LOG)
    os.environ["STANDPIPE_TEST_WRAP"], before = f"sh -c '{script}' sh", os.environ.get("STANDPIPE_TEST_WRAP", "")
    try:
        hub.start()
    finally:
        os.environ["STANDPIPE_TEST_WRAP"] = before
    hub.says(r"handed over 2 sockets \(LISTEN_FDS\), and a hub takes none: closed")
    hub.stop().all_delivered(0)


# ---- the terminal that a hub was started in


class Terminal:
    """A hub's controlling terminal, as a window has one; closed, it is gone for the whole session."""

    def __init__(self, t, *options, ignored=False):
        t.path("hub.yaml").write_text("version: 1\n" + LOG)
        self.screen, inside = pty.openpty()
        script = "import fcntl,os,signal,sys,termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
        script += "signal.signal(signal.SIGINT, signal.SIG_DFL); "  # whatever these tests were started by ignores
        script += f"signal.signal(signal.SIGHUP, signal.{'SIG_IGN' if ignored else 'SIG_DFL'}); "
        command = [sys.executable, "-c", script + "os.execv(sys.argv[1], sys.argv[1:])", process.program(), "run", "hub.yaml", *options]
        self.hub = process.spawn(command, cwd=t.folder, env=process.environment(t.folder), stdin=inside, stdout=inside, stderr=inside)
        t._commands.append(self.hub)
        os.close(inside)
        self.shows("ready in")

    def shows(self, text):
        shown = b""
        while text.encode() not in shown:
            assert select.select([self.screen], [], [], 20 * SLOW)[0], f"the terminal shows {shown.decode()}, not {text!r}"
            shown += os.read(self.screen, 4096)

    def close(self):
        os.close(self.screen)


@test
def a_closed_terminal_stops_the_hub_that_was_started_in_it(t):
    terminal = Terminal(t, "--account", "account")
    terminal.close()
    equal(terminal.hub.wait(20 * SLOW), 0)
    assert json.loads(t.path("account").read_text())["sources"], "the account was written"


@test
def a_hub_that_ignores_hangups_outlives_its_terminal(t):
    for options, ignored in ([["--ignore-hangup"], False], [[], True]):
        terminal = Terminal(t, *options, ignored=ignored)
        terminal.close()
        t.run("send", "in", "still here")
        until(lambda: t.size("out"), "it serves")
        assert terminal.hub.poll() is None
        terminal.hub.terminate()
        equal(terminal.hub.wait(20 * SLOW), 0)
        t.path("out").unlink()


@test
def a_hangup_that_somebody_sends_is_no_closed_terminal(t):
    terminal = Terminal(t)
    terminal.hub.send_signal(signal.SIGHUP)
    terminal.shows("nothing in it has changed")
    time.sleep(0.5)
    os.write(terminal.screen, b"\x03")  # Ctrl-C, which reaches both
    terminal.shows("account closes")
    equal(terminal.hub.wait(20 * SLOW), 0)


# ---- streams that nobody reads, or that are closed


@test
def a_full_standard_error_costs_lines_and_not_the_hub(t):
    t.path("hub.yaml").write_text("version: 1\n" + LOG)
    reading, writing = os.pipe()
    fcntl.fcntl(writing, 1031, 4096)  # F_SETPIPE_SZ
    os.write(writing, bytes(4096))
    hub = t.standpipe("run", "hub.yaml", "--json", stdout=writing, stderr=writing)
    until(lambda: t.path("in").exists(), "it started")
    t.run("send", "in", "one")
    until(lambda: t.size("out"), "it serves")
    began = time.monotonic()
    hub.terminate()
    equal(hub.wait(30 * SLOW), 1)  # the account was asked for, and nobody read it
    assert time.monotonic() - began < 15 * SLOW
    os.close(writing), os.close(reading)


@test
def closed_streams_are_nothing_to_die_of(t):
    t.path("hub.yaml").write_text("version: 1\n" + LOG)
    program = process.program()
    hub = t.standpipe("run", "hub.yaml")
    hub.stdout.close(), hub.stderr.close()  # as `| head` does
    until(lambda: t.path("in").exists(), "it started")
    t.run("send", "in", "one")
    until(lambda: t.size("out"), "it serves")
    hub.terminate()
    equal(hub.wait(20 * SLOW), 0)
    silent = process.spawn(
        ["sh", "-c", f'exec "{program}" run hub.yaml 0<&- 1>&- 2>&-'], cwd=t.folder, env=process.environment(t.folder)
    )
    t._commands.append(silent)
    until(lambda: t.standpipe("send", "in", "two").wait() == 0, "it serves")
    until(lambda: b"two" in t.path("out").read_bytes(), "it serves")
    silent.terminate()
    equal(silent.wait(20 * SLOW), 0)


# ---- process 1, and the limits of a process


@test
def as_process_1_it_reaps_and_stops(t):
    if subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", "true"], capture_output=True).returncode:
        raise Skip("no PID namespace can be made here")
    t.path("hub.yaml").write_text("version: 1\n" + LOG)
    script = '(sleep 0.2 & sleep 300 &) ; exec "$@"'
    hub = t.standpipe_wrapped("unshare --pid --fork --kill-child --mount-proc sh -c".split() + [script, "sh"], "run", "hub.yaml")
    while b"ready in" not in hub.stderr.readline():
        pass
    (first,) = children(hub.pid)
    worker = until(lambda: [c for c in children(first) if is_the_program(c)], "it has a worker")[0]
    os.kill(worker, signal.SIGKILL)
    while b"went on after" not in (line := hub.stderr.readline()):
        assert line, "it ended"
    until(lambda: len(children(first)) == 2, "the dead one is reaped, and the other one lives")
    (stranger,) = [c for c in children(first) if not is_the_program(c)]
    equal(open(f"/proc/{stranger}/comm").read().strip(), "sleep")
    os.kill(first, signal.SIGTERM)
    equal(hub.wait(20 * SLOW), 0)
    said = hub.stderr.read().decode()
    assert "error" not in said and "warning" not in said, said


def children(pid):
    return [int(c) for c in open(f"/proc/{pid}/task/{pid}/children").read().split()]


def is_the_program(pid):
    return os.path.samefile(f"/proc/{pid}/exe", process.program())


@test
def a_limit_of_file_sizes_is_reported_in_a_line(t):
    t.path("hub.yaml").write_text("version: 1\n" + LOG)
    _, said = t.run("run", "hub.yaml", status=1, files_bytes_max=1 << 20)
    assert "cannot make memory for the logs: File too large" in said and "ulimit -f" in said, said


def said_under(t, status=1, **limits):
    """The command line's last words under them, which are one error with its remedy."""
    t.path("hub.yaml").write_text("version: 1\n" + LOG)
    _, said = t.run("run", "hub.yaml", status=status, **limits)
    equal(said.count("error: "), 1, said)
    assert "help: " in said and "died" not in said, said
    return said


@test
def any_limit_that_is_too_low_for_a_hub_is_reported_in_a_line(t):
    t.only_uninstrumented()
    said = said_under(t, files_bytes_max=0)
    assert "cannot write a file in memory: File too large" in said and "ulimit -f" in said, said
    for files in (4, 6):
        assert "Too many open files\n  help: raise the limit of open files: ulimit -n" in said_under(t, files_max=(files, files))
    assert "ulimit -v" in said_under(t, limits={resource.RLIMIT_AS: 100 << 20})
    said = said_under(t, limits={resource.RLIMIT_DATA: 1 << 20})
    assert "cannot start a thread" in said and "that of memory, 1MiB now (ulimit -d)" in said, said


@test
def a_stack_that_may_not_be_large_enough_is_reported_and_one_that_may_be_made_larger_is(t):
    t.only_uninstrumented()
    needs_root()
    open_to_anyone(t)
    small = {resource.RLIMIT_STACK: 64 << 10}
    said = t.hub(LOG, user=process.NOBODY, limits=small).fails_to_start()
    assert "error: the stack may have 64KiB, and standpipe needs 256KiB\n  help: raise the limit: ulimit -s" in said, said
    t.path(".").chmod(0o755)
    hub = t.hub(LOG, limits={resource.RLIMIT_STACK: (64 << 10, resource.RLIM_INFINITY)}).start()
    hub.send("in", [b"one"])
    t.until_logged("out", [b"one"])
    hub.stop().all_delivered(1)


@test
def a_worker_that_a_limit_of_processor_time_ends_is_replaced_and_the_limit_is_named(t):
    t.only_uninstrumented()
    hub = t.start(LOG)
    worker = hub.pids()[1]
    for pid in hub.pids():
        resource.prlimit(pid, resource.RLIMIT_CPU, (3600, 3600))
    os.kill(worker, signal.SIGXCPU)  # as the kernel does
    hub.says(r"the worker died \(SIGXCPU.*\n.*a process may use 3,600 seconds of processor time here.*ulimit -t")
    hub.send("in", [b"one"])
    t.until_logged("out", [b"one"])
    hub.stop().all_delivered(1)


@test(seconds=120)
def where_no_thread_can_be_had_the_hub_ends_and_what_waits_is_saved(t):
    needs_root()
    t.only_uninstrumented()
    open_to_anyone(t)
    yaml = "data_dir: state\n" + FORWARD
    user = 1_000_000 + os.getpid()  # nobody else's processes count
    hub = t.hub(yaml, user=user).start()
    hub.send("in", [b"one", b"two"])
    until(lambda: hub.account_now().of("in")["accepted"] == 2, "both are accepted")
    keeper, worker = hub.process.pid, hub.pids()[-1]
    subprocess.run(["prlimit", "--pid", str(keeper), "--nproc=2:2"], user=user, group=user, check=True)  # and a worker of one thread
    os.kill(worker, signal.SIGKILL)
    account = hub.wait(seconds=60, status=1).says("in", accepted=2)
    account.says("in -> next", in_flight=2)
    assert "cannot start a thread: Resource temporarily unavailable\n  help: raise the limit of processes and threads" in hub.stderr()
    assert "the hub stops; what waited in memory is saved" in hub.stderr()


@test
def a_folder_that_is_renamed_while_the_hub_runs_keeps_its_data_folder(t):
    t.path("place").mkdir()
    t.path("place/hub.yaml").write_text(f"version: 1\ndrain_timeout: 1s\n{FORWARD.replace('fifo: ', f'fifo: {t.folder}/')}")
    hub = t.standpipe("run", "hub.yaml", cwd=t.path("place"))
    while b"ready in" not in hub.stderr.readline():
        pass
    t.path("place").rename(t.path("moved"))
    t.run("send", "in", "one")
    os.kill(children(hub.pid)[0], signal.SIGKILL)
    while b"went on after" not in hub.stderr.readline():
        pass
    hub.terminate()
    equal(hub.wait(20 * SLOW), 0)
    t.path("moved").rename(t.path("place"))
    again = t.standpipe("run", "hub.yaml", cwd=t.path("place"))
    equal(t.reader("next").take(1), [b"one"])
    again.terminate()
    equal(again.wait(20 * SLOW), 0)
