# SPDX-License-Identifier: Apache-2.0
"""The plugin exec in a whole hub: programs in C, Python and sh, their deaths, and the Python package."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

from kit import equal, frames_in, process, test, until
from kit.compiler import compile_c
from kit.timing import SLOW
from spill_test import worker_of

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
EXAMPLES = ROOT / "plugins/exec/examples"
PACKAGE = ROOT / "sdk/python"

ONE = """
data_dir: state
sources: {in: {fifo: in}}
handlers:
  it: {plugin: exec, retry: {max_attempts: 3, backoff: {initial: 1ms, max: 20ms}}, options: {%s}}
routes: [{from: in, to: it}]
"""


def with_package():
    return {**os.environ, "PYTHONPATH": str(PACKAGE / "src"), "PYTHONDONTWRITEBYTECODE": "1"}


def package_environment(t):
    return {**process.environment(t.folder), "PYTHONPATH": str(PACKAGE / "src")}


def start(t, options):
    return t.start(ONE % options, env=package_environment(t))


def script(t, name, text):
    path = t.path(name)
    path.write_text(text)
    path.chmod(0o755)
    return path


def numbered(count):
    return [b"message %d" % i for i in range(count)]


def pids_of(t):
    return [int(line) for line in t.path("pids").read_text().split()] if t.path("pids").exists() else []


# Keeps what it was given, with its number in a file; dies as messages say.
KEEP = """#!/usr/bin/env python3
import os, signal, sys, time
import standpipe

class Keep(standpipe.Handler):
    def open(self):
        open("pids", "a").write(f"{os.getpid()}\\n")
        self.file = open("kept", "ab")
    def handle(self, m):
        if m.payload == b"crash": os.kill(os.getpid(), signal.SIGSEGV)
        if m.payload == b"hang": time.sleep(1000)
        if m.payload == b"exit" and not os.path.exists("cured"): os._exit(3)
        if m.payload == b"reject": raise standpipe.Reject("nobody wants it")
        standpipe.frames.write(self.file, m.payload)
        self.file.flush()

Keep().run()
"""


def kept(t):
    return t.frames("kept") if t.path("kept").exists() else []


@test
def a_program_without_answers_gets_every_message(t):
    hub = start(t, "command: [sh, -c, cat >out], answers: none")
    messages = numbered(20_000) + [b"", b"x" * 5_000_000]
    hub.send("in", messages)
    hub.stop().all_delivered(20_002)
    equal(t.frames("out"), messages)


@test
def a_python_handler_settles_each_message_by_its_outcome(t):
    script(t, "keep.py", KEEP)
    hub = start(t, "command: [./keep.py]")
    messages = numbered(3000)
    messages[1000] = b"reject"
    hub.send("in", messages)
    hub.says(r"dead-lettered \(rejected\): nobody wants it")
    hub.stop().says("in", accepted=3000).says("in -> it", delivered=2999, dead_lettered=1, dead_letters={"rejected": 1})
    equal(kept(t), [m for m in messages if m != b"reject"])


@test(seconds=120)
def a_message_that_kills_its_program_is_dead_lettered_and_the_others_pass(t):
    script(t, "keep.py", KEEP)
    for how, said in (("crash", "SIGSEGV"), ("hang", "no answer for 2 s")):
        for left in ("kept", "pids"):
            t.path(left).unlink(missing_ok=True)
        shutil.rmtree(t.path("state"), ignore_errors=True)
        hub = start(t, "command: [./keep.py], timeout: 2s")
        messages = numbered(20)
        messages[10] = how.encode()
        hub.send("in", messages)
        hub.says(rf"dead-lettered \(retries_exhausted\): .*{said}", seconds=50)
        until(lambda: set(kept(t)) == set(messages) - {how.encode()}, "the others have passed")
        hub.stop().says("in", accepted=20).says("in -> it", delivered=19, dead_lettered=1, dead_letters={"retries_exhausted": 1})


@test
def a_program_that_exits_is_an_outage_and_nothing_is_lost(t):
    script(t, "keep.py", KEEP)
    hub = start(t, "command: [./keep.py]")
    hub.send("in", [b"one", b"exit", b"three"])
    hub.says(r"it: disconnected: the program ended \(exit status 3\)")
    until(lambda: len(pids_of(t)) >= 3, "it is started again and again")
    t.path("cured").write_bytes(b"")
    until(lambda: b"three" in kept(t), "all pass")
    hub.stop().all_delivered(3)
    equal(sorted(set(kept(t))), [b"exit", b"one", b"three"])


@test
def a_program_that_is_killed_while_it_works_loses_nothing(t):
    script(t, "keep.py", KEEP)
    hub = start(t, "command: [./keep.py]")
    for round in range(3):
        hub.send("in", numbered(2000))
        until(lambda: len(pids_of(t)) > round, "it runs")
        os.kill(pids_of(t)[-1], signal.SIGKILL)
    hub.stop(seconds=40).all_delivered(6000)
    equal(set(kept(t)), set(numbered(2000)))


@test
def a_program_dies_with_the_worker_and_the_next_one_goes_on(t):
    script(t, "keep.py", KEEP)
    for isolation in ("thread", "process"):
        for left in ("kept", "pids"):
            t.path(left).unlink(missing_ok=True)
        shutil.rmtree(t.path("state"), ignore_errors=True)
        yaml = ONE.replace("plugin: exec,", f"plugin: exec, isolation: {isolation},") % "command: [./keep.py]"
        hub = t.start(yaml, env=package_environment(t))
        hub.send("in", numbered(100))
        until(lambda: hub.account_now().of("in -> it")["delivered"] == 100, "it works, and no call is in progress")
        equal(len(kept(t)), 100)
        os.kill(hub.pids()[1], signal.SIGKILL)
        until(lambda: not is_running(pids_of(t)[0]), "the program is gone")
        hub.send("in", numbered(100))
        until(lambda: len(kept(t)) == 200, "the next one works")
        hub.stop().all_delivered(200)
        assert not is_running(pids_of(t)[-1])


@test
def a_program_knows_the_run_which_lasts_over_deaths_and_is_another_after_a_stop(t):
    for isolation in ("thread", "process"):
        begun = t.path(f"begun.{isolation}")
        text = ONE % f"command: [sh, -c, 'echo $STANDPIPE_RUN >> {begun.name}; exec cat'], answers: none"
        hub = t.start(text.replace("plugin: exec,", f"plugin: exec, isolation: {isolation},"))
        until(lambda: begun.exists() and begun.read_text().count("\n") == 1, "it has begun")
        os.kill(worker_of(hub), signal.SIGKILL)
        until(lambda: begun.read_text().count("\n") == 2, "it has begun again")
        hub.stop()
        hub.start()
        until(lambda: begun.read_text().count("\n") == 3, "the next hub has begun it")
        hub.stop()
        first, second, third = begun.read_text().split()
        assert len(first) > 8 and first == second != third, (first, second, third)


def is_running(pid):
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


@test
def what_cannot_run_is_said_with_its_reason(t):
    script(t, "greets.sh", "#!/bin/sh\necho Welcome\ncat\n")
    script(t, "breaks.sh", "#!/bin/sh\necho 'no such table: orders' >&2\nexit 1\n")
    for command, said in (
        ("[no-such-program]", r"it is held: cannot execute no-such-program: no folder of PATH has it"),
        ("[./greets.sh]", r"it is held: it printed 'Welcome\\n' where a record belongs"),
        ("[./breaks.sh]", r"the program ended \(exit status 1\); it last said: no such table: orders"),
    ):
        hub = start(t, f"command: {command}")
        hub.says(said)
        hub.stop()


@test
def what_a_program_says_is_in_the_hubs_log(t):
    script(t, "talks.sh", "#!/bin/sh\nprintf 'a line\\n\\033[2J \\377' >&2; echo standpipe 1; cat >/dev/null")
    hub = start(t, "command: [./talks.sh]")
    hub.says("it: a line$")
    hub.stop()
    assert r"it: \x1b[2J \\xff" in hub.stderr(), hub.stderr()


# ---- messages that programs make

UPPER = """#!/usr/bin/env python3
import os, signal, standpipe

class Upper(standpipe.Handler):
    def handle(self, m):
        self.emit(m.payload.upper(), {"kind": "loud"})
        if m.payload == b"crash" and not os.path.exists("crashed"):
            open("crashed", "w")
            os.kill(os.getpid(), signal.SIGSEGV)

Upper().run()
"""
EMITS = """
data_dir: state
sources: {in: {fifo: in}}
handlers:
  it: {plugin: exec, isolation: %s, options: {command: [./upper.py]}}
  out: {plugin: log, options: {path: out, format: frames}}
routes:
  - {from: in, to: it}
  - {from: it, match: {meta: {kind: loud}}, to: out}
"""


@test(seconds=120)
def what_a_program_emits_goes_on_by_its_routes_once(t):
    script(t, "upper.py", UPPER)
    for isolation in ("thread", "process"):
        for left in ("out", "crashed"):
            t.path(left).unlink(missing_ok=True)
        hub = t.start(EMITS % isolation, env=package_environment(t))
        messages = numbered(5000)
        messages[2500] = b"crash"
        hub.send("in", messages)
        hub.says(r"the program ended \(SIGSEGV\)")
        account = hub.stop(seconds=40).says("in", accepted=5000).says("in -> it", delivered=5000)
        account.says("it", accepted=5000).says("it -> out", delivered=5000)
        equal(t.frames("out"), [m.upper() for m in messages])


BRINGS = """
data_dir: state
sources: {it: {plugin: exec, isolation: %s, options: {command: %s}}}
handlers: {out: {plugin: log, options: {path: out, format: frames, sync: never}}}
routes: [{from: it, to: out}]
"""


@test
def a_program_that_prints_frames_is_a_source(t):
    compile_c(script(t, "numbers.c", NUMBERS_C), t.path("numbers"))
    hub = t.start(BRINGS % ("thread", "[./numbers, '100000']"))
    t.until_logged("out", [b"%d" % i for i in range(100_000)])
    hub.says(r"it: the program ended \(exit status 0\): it is not started again")
    hub.stop().all_delivered(100_000)
    equal(t.frames("out"), [b"%d" % i for i in range(100_000)])


NUMBERS_C = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int count, char** words) {
  char text[32];
  for (int i = 0; count == 2 && i < atoi(words[1]); ++i) {
    const int n = sprintf(text, "%d", i);
    const unsigned char head[4] = {(unsigned char)n, 0, 0, 0};
    fwrite(head, 1, 4, stdout);
    fwrite(text, 1, (size_t)n, stdout);
  }
  return fflush(stdout) != 0;
}
"""


@test(seconds=120)
def a_python_source_goes_on_where_it_was_after_each_death(t):
    shutil.copy(EXAMPLES / "follow.py", t.folder)
    for isolation in ("thread", "process"):
        t.path("out").unlink(missing_ok=True)
        shutil.rmtree(t.path("state"), ignore_errors=True)
        lines = t.path("lines")
        lines.write_bytes(b"")
        hub = t.start(BRINGS % (isolation, "[./follow.py, lines]"), env=package_environment(t))
        for round in range(3):
            with lines.open("ab") as file:
                file.writelines(b"line %d of %d\n" % (i, round) for i in range(2000))
            until(lambda: len(all_frames(t, "out")) > round * 2000, "some have come")
            os.kill(hub.pids()[1], signal.SIGKILL)
            hub.says("went on after", count=round + 1)
        expected = [b"line %d of %d" % (i, round) for round in range(3) for i in range(2000)]
        t.until_logged("out", expected)
        hub.stop().all_delivered(6000)
        equal(t.frames("out"), expected)
        with lines.open("ab") as file:
            file.write(b"the last\n")
        hub = t.start(BRINGS % (isolation, "[./follow.py, lines]"), env=package_environment(t))
        t.until_logged("out", [*expected, b"the last"])
        hub.stop().all_delivered(1)


def all_frames(t, name):
    return frames_in(t.path(name).read_bytes(), incomplete=True)[0] if t.path(name).exists() else []


# ---- examples


@test(seconds=120)
def the_examples_work(t):
    for example in EXAMPLES.iterdir():
        shutil.copy(example, t.folder)
    compile_c(t.path("lengths.c"), t.path("lengths"), "-std=c11", "-D_POSIX_C_SOURCE=200809L")
    hub = t.start((EXAMPLES / "exec.yaml").read_text() + "data_dir: state\n", env=package_environment(t))
    order = {"id": 7, "customer": "Ada, Inc.", "amount": 5000}
    hub.send("in", [json.dumps(order).encode(), b"{}", b"!ring", b"", b"plain text", b"x" * 3_000_000])
    hub.says(r"dead-lettered \(rejected\): it is no order: 'id'")
    hub.says(r"dead-lettered \(rejected\): it is empty")
    until(lambda: t.size("notified") == 5, "the command has run")
    account = hub.stop()
    equal(account.of("in")["accepted"], 6)
    for handler, delivered, dead in (("orders", 1, 1), ("notify", 1, 0), ("lengths", 5, 1)):
        equal([account.of(f"in -> {handler}")[k] for k in ("delivered", "dead_lettered")], [delivered, dead], handler)
    equal(t.path("orders.csv").read_bytes(), b'7,"Ada, Inc.",5000\r\n')
    equal(t.path("notified").read_bytes(), b"!ring")
    hub.says("lengths: 5 messages, 3000067 bytes")


def new_plugin(t, kind, language):
    """A folder as it was made, but for its FIFO and its state, whose own tests have passed; and the configuration of a hub with it."""
    folder = t.path(f"new {kind} {language}")
    out, _ = t.run("plugin", "new", "word-count", "--kind", kind, "--lang", language, "--into", folder)
    assert out.decode().endswith(f"next:\n  cd '{folder}' && make test check\n"), out
    yaml = folder / "word-count.yaml"
    yaml.write_text(yaml.read_text().replace("/tmp/word-count-in", f"in {language}"))
    test = ["./test.sh"] if language == "any" else [sys.executable, "-m", "unittest", "test"]
    done = subprocess.run(test, cwd=folder, env=package_environment(t), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    out, _ = t.run("test", yaml, cwd=folder)
    assert out.decode().splitlines()[-1].startswith("1 passed, 0 failed"), out
    text = yaml.read_text().replace("[./word", f"[{folder}/word").replace("[python3, word", f"[python3, {folder}/word")
    return f"data_dir: state {kind} {language}\n{text}"


@test(seconds=120)
def a_new_handler_in_another_language_works_as_it_was_made(t):
    for language in ("python", "any"):
        hub = t.start(new_plugin(t, "handler", language), env=package_environment(t))
        hub.send(f"in {language}", [b"hello", b""])
        hub.says("mine: got 5 bytes")
        hub.says("it is empty")
        hub.stop().says("in", accepted=2).says("in -> mine", delivered=1, dead_lettered=1, dead_letters={"rejected": 1})


@test(seconds=120)
def a_new_source_in_another_language_goes_on_where_it_was(t):
    for language in ("python", "any"):
        yaml = new_plugin(t, "source", language).replace("plugin: print", f"plugin: log\n    options: {{ path: {language}, format: frames, sync: never }}")
        yaml = yaml.replace('"1"]', '"0.05"]')
        for numbers in (3, 6):
            hub = t.start(yaml, env=package_environment(t))
            until(lambda: len(all_frames(t, language)) >= numbers, "it brings numbers")
            os.kill(hub.pids()[1], signal.SIGKILL)
            hub.says("went on after")
            until(lambda: len(all_frames(t, language)) >= numbers + 2, "it goes on after a death")
            account = hub.stop()
            account.all_delivered(account.of("mine")["accepted"])
        brought = t.frames(language)
        equal(brought, [b"number %d" % (i + 1) for i in range(len(brought))])


@test(seconds=120)
def a_new_transform_in_another_language_works_as_it_was_made(t):
    for language in ("python", "any"):
        hub = t.start(new_plugin(t, "transform", language), env=package_environment(t))
        hub.send(f"in {language}", [b"hello", b"", b"world"])
        until(lambda: hub.stdout().count(b"got ") == 2, "what it makes is shown")
        hub.says("it is empty")
        account = hub.stop().says("in", accepted=3).says("in -> mine", delivered=2, dead_lettered=1, dead_letters={"rejected": 1})
        account.says("mine", accepted=2).says("mine -> screen", delivered=2)


@test(seconds=300)
def it_keeps_the_contract_of_plugins(t):
    t.only_uninstrumented()  # a sanitizer keeps what is freed, so memory seems to grow
    compile_c(EXAMPLES / "lengths.c", t.path("lengths"), "-std=c11", "-D_POSIX_C_SOURCE=200809L")
    for options in (["--option", f"command=[{t.path('lengths')}]"], ["--option", "command=[cat]", "--option", "answers=none"]):
        out, err = t.run("plugin", "check", "exec", "--timeout", "60s", *options, seconds=120)
        assert b" 0 failed, 0 not run" in out, out.decode() + err


# ---- the Python package


@test(seconds=200)
def the_python_package_passes_its_tests(t):
    done = subprocess.run(
        [sys.executable, "-m", "unittest", "-v"], cwd=PACKAGE / "tests", env=with_package(), capture_output=True, text=True, timeout=180 * SLOW
    )  # fmt: skip
    assert done.returncode == 0 and "\nOK" in done.stderr, done.stderr


@test(seconds=200)
def the_python_package_builds_a_wheel(t):
    if subprocess.run([sys.executable, "-c", "import setuptools, wheel, pip"], capture_output=True).returncode:
        from kit.bench import Skip

        raise Skip("python3-pip, python3-setuptools and python3-wheel are not installed")
    shutil.copytree(PACKAGE, t.path("package"), ignore=shutil.ignore_patterns("__pycache__"))
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", ".", "./package"]
    done = subprocess.run(build, cwd=t.folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = t.folder.glob("standpipe-*-py3-none-any.whl")
    said = subprocess.run(
        [sys.executable, "-c", "import standpipe.testing as s; print(s.__file__)"], cwd="/", env={**os.environ, "PYTHONPATH": str(wheel)}, capture_output=True, text=True
    )  # fmt: skip
    assert str(wheel) in said.stdout, said.stderr
