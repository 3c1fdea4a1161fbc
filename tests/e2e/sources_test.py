# SPDX-License-Identifier: Apache-2.0
"""FIFOs the hub makes and finds: many, with the mode and owner that were asked for, and refused when something is wrong."""

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import time

from kit import equal, process, test, until
from kit.bench import Skip
from journey_test import FORWARD, LOG

SOMEBODY_ELSE = 65533


def needs_root():
    if os.geteuid() != 0:
        raise Skip("only root can be two users")


def mode_of(path):
    return oct(stat.S_IMODE(os.lstat(path).st_mode))


def open_to_anyone(t):
    os.chmod(t.folder, 0o777)


# ---- many


def thousand_fifos():
    names = [f"s{i:03}" for i in range(1000)]
    return names, f"""
sources: {{{", ".join(f"{n}: {{fifo: fifos/{n}}}" for n in names)}}}
handlers: {{out: {{plugin: log, options: {{path: out, format: frames}}}}}}
routes: [{{from: [{", ".join(names)}], to: out}}]
"""


@test(alone=True)
def a_thousand_fifos_start_in_two_seconds_deliver_and_sleep(t):
    names, yaml = thousand_fifos()
    t.path("fifos").mkdir()
    hub, began = t.hub(yaml), time.monotonic()
    hub.start()
    took = time.monotonic() - began
    assert took < 2 or process.is_instrumented(), f"took {took:.2f} s"
    for name in names:
        hub.send(f"fifos/{name}", [name.encode()] * 3)
    t.until_logged("out", [b"s000"] * 3000)
    equal(sorted(t.frames("out")), sorted(n.encode() for n in names for _ in range(3)))
    assert process.is_instrumented() or until(lambda: hub.sleeps_for(1), "it sleeps for a second", 10)
    hub.stop().all_delivered(*[3] * 1000)


@test(alone=True)
def a_hub_with_nothing_to_do_makes_no_system_calls_but_its_looks(t):
    t.only_uninstrumented()
    if not shutil.which("strace"):
        raise Skip("there is no strace")
    hub = t.start(LOG)
    writer = t.writer("in")
    writer.send(b"one")
    t.until_logged("out", [b"one"])
    until(lambda: hub.sleeps_for(0.2), "the hub sleeps", 10)
    # Being looked at interrupts the call that each thread sleeps in, once.
    watched = ["strace", "-f", "-q", "-o", t.path("calls"), *(word for pid in hub.pids() for word in ("-p", pid))]
    watching = process.spawn(["timeout", "-s", "INT", "2", *watched], stderr=subprocess.DEVNULL)
    assert watching.wait() in (0, 124, 130)
    calls = [line for line in t.path("calls").read_text().splitlines() if "resumed" not in line and "incomplete" not in line]
    # Every few seconds it looks whether its FIFO, its folder's lock and its socket are still there: some 20 calls each.
    assert len(calls) <= 100, f"{len(calls)} calls in 2 s:\n" + "\n".join(calls[:10])
    writer.close()
    hub.stop().all_delivered(1)


@test(seconds=120)
def an_ordinary_user_runs_500_sources_and_100_forwards(t):
    open_to_anyone(t)
    sources, forwards = [f"s{i:03}" for i in range(500)], [f"f{i:02}" for i in range(100)]
    hub = t.start(f"""
sources: {{{", ".join(f"{s}: {{fifo: {s}}}" for s in sources)}}}
handlers: {{{", ".join(f"{f}: {{plugin: forward, options: {{fifo: {f}.out}}}}" for f in forwards)}}}
routes: [{", ".join(f"{{from: {s}, to: {forwards[i % 100]}}}" for i, s in enumerate(sources))}]
""", user=process.NOBODY, files_max=(4096, 4096) if os.geteuid() == 0 else None)  # fmt: skip
    readers = [t.reader(f"{f}.out") for f in forwards]
    for s in sources:
        hub.send(s, [b"%s %d" % (s.encode(), i) + b"." * 2000 for i in range(10)])
    for number, reader in enumerate(readers):
        got = reader.take(50)
        for s in sources[number::100]:
            mine = [m for m in got if m.startswith(s.encode())]
            equal(mine, [b"%s %d" % (s.encode(), i) + b"." * 2000 for i in range(10)])
    hub.stop().all_delivered(*[10] * 500)


# ---- what is made


@test
def the_umask_does_not_weaken_the_mode_that_was_asked_for(t):
    hub = t.start("""
sources: {in: {fifo: in, mode: "0622"}, plain: {fifo: plain}}
handlers:
  next: {plugin: forward, options: {fifo: next, mode: "0644"}}
  out: {plugin: log, options: {path: out, mode: "0664"}}
routes: [{from: [in, plain], to: [next, out]}]
""", umask=0o077)  # fmt: skip
    until(lambda: t.path("out").exists() and mode_of(t.path("out")) == "0o664", "the log is made")
    equal([mode_of(t.path(n)) for n in ("in", "plain", "next")], ["0o622", "0o600", "0o644"])
    hub.stop().all_delivered(0, 0)


@test
def a_fifo_that_is_there_keeps_its_mode(t):
    os.mkfifo(t.path("in"), 0o640)
    hub = t.start(LOG.replace("fifo: in", 'fifo: in, mode: "0600"'))
    equal(mode_of(t.path("in")), "0o640")
    assert "created" not in hub.stderr()
    hub.says(f"{t.path('in')} has mode 0640, and the configuration says 0600; it is kept as it is")
    hub.stop().all_delivered(0)


@test
def an_output_that_is_there_with_another_mode_keeps_it_and_that_is_reported(t):
    os.mkfifo(t.path("next"))
    t.path("next").chmod(0o640)
    hub = t.start(FORWARD.replace("fifo: next", 'fifo: next, mode: "0600"'))
    hub.says(f"an output: {t.path('next')} has mode 0640, and the configuration says 0600; it is kept as it is")
    hub.stop().all_delivered(0)
    equal(mode_of(t.path("next")), "0o640")
    hub = t.start(FORWARD)
    hub.stop().all_delivered(0)
    assert "the configuration says" not in hub.stderr(), hub.stderr()


# ---- what others do to it while the hub runs


def state_of(hub, source="in"):
    return hub.stats()["source_states"][source]["state"]


@test
def a_fifo_that_is_removed_or_replaced_while_nobody_writes_is_opened_again(t):
    hub = t.start(LOG)
    hub.send("in", [b"one"])
    t.until_logged("out", [b"one"])
    t.path("in").unlink()
    hub.says("made .*in again")
    hub.send("in", [b"two"])
    os.mkfifo(t.path("other"), 0o600)
    t.path("other").rename(t.path("in"))
    hub.says("reads the FIFO that is at .*in now")
    hub.send("in", [b"three"])
    t.until_logged("out", [b"one", b"two", b"three"])
    equal(state_of(hub), "serving")
    hub.stop().all_delivered(3)


@test
def writers_that_have_the_old_fifo_open_are_served_to_their_end(t):
    hub = t.start(LOG)
    old = t.writer("in")
    t.path("in").unlink()
    until(lambda: state_of(hub) == "unreachable", "stats says that it is gone", 20)
    old.send(b"by the old one")
    t.until_logged("out", [b"by the old one"])
    equal(state_of(hub), "unreachable")
    old.close()
    hub.says("made .*in again")
    os.kill(hub.pids()[-1], signal.SIGKILL)  # the next worker has the new one
    hub.says("went on after")
    hub.send("in", [b"by the new one"])
    t.until_logged("out", [b"by the old one", b"by the new one"])
    equal(t.frames("out"), [b"by the old one", b"by the new one"])
    hub.stop().all_delivered(2)


@test
def a_file_in_the_place_of_the_fifo_is_reported_once_and_goes_away(t):
    hub = t.start(LOG)
    t.path("in").unlink()
    t.path("in").write_text("precious")
    hub.says("its FIFO cannot be opened again: .*in is a regular file, not a FIFO")
    equal(state_of(hub), "unreachable")
    t.path("in").rename(t.path("kept"))
    hub.says("made .*in again")
    equal((t.path("kept").read_text(), hub.stderr().count("is a regular file")), ("precious", 1))
    hub.send("in", [b"one"])
    hub.stop().all_delivered(1)


@test
def owner_and_group_are_those_that_were_asked_for(t):
    needs_root()
    hub = t.start(LOG.replace("fifo: in", f'fifo: in, mode: "0620", owner: "{process.NOBODY}", group: "{SOMEBODY_ELSE}"'))
    there = os.stat(t.path("in"))
    equal((there.st_uid, there.st_gid, mode_of(t.path("in"))), (process.NOBODY, SOMEBODY_ELSE, "0o620"))
    hub.send("in", [b"one"])
    hub.stop().all_delivered(1)


@test
def an_owner_that_cannot_be_given_leaves_no_fifo_behind(t):
    open_to_anyone(t)
    hub = t.hub(LOG.replace("fifo: in", f'fifo: in, owner: "{SOMEBODY_ELSE}"'), user=process.NOBODY)
    said = hub.fails_to_start()
    assert "cannot change the owner of" in said and "only root may give files away" in said, said
    assert not t.path("in").exists()


@test
def an_owner_that_does_not_exist_leaves_no_fifo_behind(t):
    said = t.hub(LOG.replace("fifo: in", "fifo: in, owner: nosuchuser")).fails_to_start(status=78)
    assert "there is no user 'nosuchuser'" in said and "create the user, or name another as owner:" in said, said
    assert not t.path("in").exists()


# ---- what is refused


@test
def every_source_that_cannot_be_had_is_reported_with_its_remedy(t):
    t.path("file").write_text("precious")
    t.path("folder").mkdir()
    os.symlink("nowhere", t.path("dangling"))
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(t.path("socket")))
    hub = t.hub("""
sources:
  good: {fifo: good}
  file: {fifo: file}
  folder: {fifo: folder}
  missing: {fifo: no/such/folder/in}
  dangling: {fifo: dangling}
  device: {fifo: /dev/null}
  socket: {fifo: socket}
handlers: {out: {plugin: log, options: {path: out}}}
routes: [{from: [good, file, folder, missing, dangling, device, socket], to: out}]
""")
    said = hub.fails_to_start(status=78)
    for expected in (
        f"source file: {t.path('file')} is a regular file, not a FIFO: someone wrote to it before the hub made it",
        f"mv {t.path('file')} away and try again",
        f"source folder: {t.path('folder')} is a folder, not a FIFO",
        f"source missing: cannot create {t.path('no/such/folder/in')}: the folder {t.path('no/such/folder')} does not exist",
        f"mkdir -p {t.path('no/such/folder')}",
        f"source dangling: {t.path('dangling')} is a symbolic link to something that does not exist",
        "source device: /dev/null is a device, not a FIFO",
        f"source socket: {t.path('socket')} is a socket, not a FIFO",
        "6 sources cannot be opened",
    ):
        assert expected in said, f"'{expected}' is not in:\n{said}"
    equal(t.path("file").read_text(), "precious")


@test
def a_link_of_our_own_is_followed(t):
    os.mkfifo(t.path("real"))
    os.symlink("real", t.path("in"))
    hub = t.start(LOG)
    hub.send("real", [b"one"])
    hub.stop().all_delivered(1)


@test
def a_link_that_somebody_else_planted_is_refused(t):
    needs_root()
    os.mkfifo(t.path("theirs"))
    os.symlink("theirs", t.path("in"))
    os.chown(t.path("in"), SOMEBODY_ELSE, SOMEBODY_ELSE, follow_symlinks=False)
    said = t.hub(LOG).fails_to_start(status=78)
    assert f"{t.path('in')} is a symbolic link made by user {SOMEBODY_ELSE}, not by you" in said, said


@test
def a_fifo_that_somebody_else_planted_in_a_shared_folder_is_refused(t):
    needs_root()
    open_to_anyone(t)
    os.mkfifo(t.path("in"))
    os.chmod(t.path("in"), 0o666)
    os.chown(t.path("in"), SOMEBODY_ELSE, SOMEBODY_ELSE)
    said = t.hub(LOG, user=process.NOBODY).fails_to_start(status=78)
    assert f"belongs to user {SOMEBODY_ELSE}, in a folder that anyone may write to" in said, said


@test
def a_folder_that_may_not_be_written_to_is_reported(t):
    open_to_anyone(t)
    t.path("closed").mkdir(mode=0o755)
    if os.geteuid() != 0:
        t.path("closed").chmod(0o555)
    said = t.hub(LOG.replace("fifo: in", "fifo: closed/in"), user=process.NOBODY).fails_to_start()
    assert f"cannot create {t.path('closed/in')}: no permission to write in {t.path('closed')}" in said, said


@test
def a_fifo_that_may_not_be_read_is_reported(t):
    open_to_anyone(t)
    os.mkfifo(t.path("in"))
    os.chmod(t.path("in"), 0o222)
    said = t.hub(LOG, user=process.NOBODY).fails_to_start()
    assert f"cannot open {t.path('in')} to read: Permission denied" in said and f"chmod u+r {t.path('in')}" in said, said


# ---- limits


def many(count):
    names = [f"s{i}" for i in range(count)]
    return f"""
sources: {{{", ".join(f"{n}: {{fifo: {n}}}" for n in names)}}}
handlers: {{out: {{plugin: log, options: {{path: out}}}}}}
routes: [{{from: [{", ".join(names)}], to: out}}]
"""


@test
def too_few_open_files_are_reported_with_the_number_needed(t):
    t.only_uninstrumented()
    said = t.hub(many(100), files_max=(64, 64)).fails_to_start(78)
    assert "this configuration may need 157 open files, and the limit is 64" in said, said
    assert "ulimit -Hn 157" in said, said


@test
def the_number_reported_as_needed_suffices(t):
    t.only_uninstrumented()
    hub = t.start(many(100), files_max=(157, 157))
    hub.send("s99", [b"one"])
    hub.stop().all_delivered(*[0] * 99, 1)


@test
def the_number_that_source_plugins_need_suffices_and_is_not_far_too_high(t):
    t.only_uninstrumented()
    names = [f"s{i}" for i in range(200)]
    yaml = f"""
sources: {{{", ".join(f"{n}: {{plugin: generate, options: {{rate: 1, count: 1}}}}" for n in names)}}}
handlers: {{out: {{plugin: log, options: {{path: out}}}}}}
routes: [{{from: [{", ".join(names)}], to: out}}]
"""
    said = t.hub(yaml, files_max=(64, 64)).fails_to_start(78)
    needed = int(re.search(r"may need ([\d,]+) open files", said)[1].replace(",", ""))
    hub = t.start(yaml, files_max=(needed, needed))
    until(lambda: t.path("out").exists() and t.path("out").read_bytes().count(b"\n") == 200, "each brings its message")
    used = max(len(os.listdir(f"/proc/{pid}/fd")) for pid in hub.pids())  # of the worker
    assert needed <= 2 * used, f"{needed} are said to be needed, and {used} are used"
    hub.stop().all_delivered(*[1] * 200)


@test
def the_soft_limit_of_open_files_is_raised(t):
    t.only_uninstrumented()
    hub = t.start(many(100), files_max=(64, 1024))
    hub.send("s99", [b"one"])
    hub.stop().all_delivered(*[0] * 99, 1)


@test
def a_memory_max_too_small_for_the_sources_is_reported_with_the_number_needed(t):
    said = t.hub("memory_max: 1MiB\n" + many(100)).fails_to_start(status=78)
    assert "memory_max (1MiB) is too small for 100 sources" in said and "set memory_max to at least 4MiB" in said, said


@test
def two_sources_on_one_fifo_are_refused_or_share_it(t):
    """Whichever it is, it is not silent: both read one stream, and frames would be broken up."""
    hub = t.hub("""
sources: {a: {fifo: in}, b: {fifo: in}}
handlers: {out: {plugin: log, options: {path: out}}}
routes: [{from: [a, b], to: out}]
""")
    hub.launch()
    assert hub.wait_status(20) in (1, 78), hub.stderr()


@test
def a_fifo_that_another_hub_reads_is_refused_by_whatever_path(t):
    t.path("folder").mkdir()
    first = t.start(LOG.replace("fifo: in", "fifo: folder/in"))
    os.kill(first.pids()[-1], signal.SIGKILL)  # the claim is not the worker's
    first.says("went on after")
    os.symlink("folder", t.path("link"))
    said = t.hub(LOG.replace("fifo: in", "fifo: link/in")).fails_to_start()
    assert f"another hub (process {first.process.pid}) reads {t.path('link/in')}; each would get pieces of messages" in said, said
    first.send("folder/in", [b"one"])
    other = t.start(LOG.replace("fifo: in", "fifo: own").replace("path: out", "path: other"))
    t.path("own").unlink()
    os.link(t.path("folder/in"), t.path("own"))  # nor does it come in later, in the place of another
    other.says(rf"its FIFO cannot be opened again: another hub \(process {first.process.pid}\) reads")
    other.stop().all_delivered(0)
    first.stop().all_delivered(1)
    second = t.start(LOG.replace("fifo: in", "fifo: link/in"))
    second.stop().all_delivered(0)


@test
def a_reader_of_an_output_that_is_also_a_source_goes_round_once(t):
    hub = t.start("""
sources: {in: {fifo: in}, between: {fifo: between}}
handlers:
  next: {plugin: forward, allow_loop: true, options: {fifo: between}}
  out: {plugin: log, options: {path: out, format: frames}}
routes: [{from: in, to: next}, {from: between, to: out}]
""")
    messages = [b"%d" % i for i in range(20_000)]
    hub.send("in", messages)
    t.until_logged("out", messages)
    hub.stop().all_delivered(len(messages), len(messages))
    equal(t.frames("out"), messages)
