# SPDX-License-Identifier: Apache-2.0
"""A handler that is held holds up nobody else: what waits for it goes to the disk, and the next start delivers it, in order."""

import os
import resource
import signal

from kit import equal, test, until
from spill_test import gone, killed, numbered, spills, worker_of

ARCHIVE = "archive: {plugin: log, options: {path: archive, format: frames}}"
HELD = "screen: {plugin: held}"
MENDED = "screen: {plugin: log, options: {path: screen, format: frames}}"


def yaml(*handlers, log="max_size: 64KiB"):
    names = ", ".join(h.partition(":")[0] for h in handlers)
    return f"""
data_dir: state
drain_timeout: 500ms
sources: {{in: {{fifo: in, log: {{{log}}}}}}}
handlers: {{{", ".join(handlers)}}}
routes: [{{from: in, to: [{names}]}}]
"""


def mended(t, messages):
    """The next hub, whose handler is not held, delivers what was saved, once and in order."""
    hub = t.start(yaml(ARCHIVE, MENDED))
    t.until_logged("screen", messages)
    account = hub.stop()
    equal(t.frames("screen"), messages)
    equal(spills(t), [])
    account.says("in", accepted=len(messages))
    return account


@test
def others_go_on_beside_a_held_handler_and_the_next_start_delivers_what_it_missed(t):
    messages = numbered(3000)
    hub = t.start(yaml(ARCHIVE, HELD))
    hub.send("in", messages)
    t.until_logged("archive", messages)
    hub.says("warning.*in: the log is full of what waits for screen .held at message 1., which is held: .* to .*/state/spill/in-1.log, at most 1GiB")
    state = hub.stats()["overflows"]["in"]
    assert state["messages"] > 2000 and state["bytes"] > 400_000 and state["since"] and state["stuck"] is None, state
    equal(state["path"], str(t.path("state/spill/in-1.log")))
    account = hub.account_now().says("in -> archive", delivered=3000)
    account.says("in -> screen", in_flight=3000, saved=state["messages"])
    out, _ = t.run("stats", "--account", "--control", hub.control)
    assert "source in has " in out.decode() and " messages for held handlers in " in out.decode(), out.decode()
    hub.stop().says("in", accepted=3000).says("in -> archive", delivered=3000).says("in -> screen", in_flight=3000, saved=3000)
    equal(hub.stderr().count("which is held: from now on"), 1)
    equal(spills(t), ["in-1.log", "in-2.log"])
    mended(t, messages).says("in -> screen", delivered=3000)
    equal(t.frames("archive"), messages)


@test
def a_handler_that_is_held_again_keeps_the_order_over_many_runs(t):
    messages = numbered(1500)
    for run in range(3):
        hub = t.start(yaml(ARCHIVE, HELD))
        part = messages[run * 500 : run * 500 + 500]
        hub.send("in", part)
        t.until_logged("archive", messages[: run * 500 + 500])
        account = hub.stop()
        account.says("in -> screen", in_flight=run * 500 + 500)
        account.says("in -> archive", delivered=500).of("in")
    mended(t, messages).says("in -> screen", delivered=1500)
    equal(t.frames("archive"), messages)


@test
def a_frame_larger_than_the_log_passes_a_held_handler(t):
    messages = [b"small", b"x" * 300_000, b"y" * 300_000, b"small again"]
    hub = t.start(yaml(ARCHIVE, HELD))
    hub.send("in", messages)
    t.until_logged("archive", messages)
    hub.stop().says("in", accepted=4).says("in -> archive", delivered=4).says("in -> screen", in_flight=4)
    mended(t, messages).says("in -> screen", delivered=4)


@test
def a_source_whose_only_handler_is_held_makes_its_writers_wait(t):
    hub = t.start(yaml(HELD))
    messages = t.writer("in").fill()
    hub.says("screen is held")
    until(lambda: hub.account_now().of("in")["accepted"] > 0, "it takes what its log has room for")
    equal(hub.stats()["overflows"], {})
    hub.stop()
    account = hub.account
    equal(account.of("in")["accepted"], account.of("in -> screen")["in_flight"])
    assert account.of("in")["accepted"] <= len(messages)
    equal(spills(t), ["in-1.log"])


def send_while_it_runs(hub, messages):
    try:
        hub.send("in", messages)
    except BrokenPipeError:
        pass


@test
def what_is_full_makes_writers_wait_and_loses_nothing(t):
    hub = t.start(yaml(ARCHIVE, HELD, log="max_size: 64KiB, overflow_max: 100KiB"))
    messages = numbered(20_000)
    sending = t.meanwhile(send_while_it_runs, hub, messages)
    hub.says("warning.*in: what waits for screen .* has filled .*in-1.log .100KiB.: the source is no longer read, and its writers wait")
    equal(hub.stats()["overflows"]["in"]["stuck"], "it is full")
    assert t.size("state/spill/in-1.log") <= 100 * 1024
    assert sending.is_alive(), "the writer waits"
    equal(hub.stderr().count("no longer read"), 1)
    hub.stop()
    accepted = hub.account.of("in")["accepted"]
    hub.account.says("in -> screen", in_flight=accepted)
    archive = hub.account.of("in -> archive")
    equal(archive["delivered"] + archive["in_flight"], accepted)
    equal(t.frames("archive"), messages[: archive["delivered"]])


@test
def a_disk_that_takes_no_more_makes_writers_wait_and_it_is_tried_again(t):
    hub = t.start(yaml(ARCHIVE, HELD))
    hub.send("in", numbered(1))
    hub.says("screen is held")
    resource.prlimit(worker_of(hub), resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
    messages = numbered(1500, 1)
    sending = t.meanwhile(hub.send, "in", messages)
    hub.says("error.*in: what waits for held handlers cannot be saved, so the source is not read, and its writers wait: ")
    resource.prlimit(worker_of(hub), resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    hub.says("in: .*in-1.log takes messages again", seconds=30)
    sending.join()
    until(lambda: hub.account_now().of("in -> archive")["matched"] == 1501, "all is accepted", 30)
    hub.stop().says("in", accepted=1501).says("in -> screen", in_flight=1501).of("in -> archive")
    mended(t, numbered(1501)).says("in -> screen", delivered=1501)


@test
def when_all_is_killed_what_was_saved_is_there(t):
    messages = numbered(3000)
    hub = t.start(yaml(ARCHIVE, HELD))
    hub.send("in", messages)
    t.until_logged("archive", messages)
    saved = hub.stats()["overflows"]["in"]["messages"]
    worker = worker_of(hub)
    os.kill(worker, signal.SIGSTOP)  # or it would save the rest
    killed(hub)
    os.kill(worker, signal.SIGKILL)
    until(lambda: gone(worker), "the worker is gone")
    again = t.start(yaml(ARCHIVE, MENDED))
    again.says("in: messages that an earlier run could not deliver come first")
    t.until_logged("screen", messages[:saved])
    again.stop().says("in", accepted=saved).says("in -> screen", delivered=saved)
    equal(t.frames("screen"), messages[:saved])
    assert "damaged" not in again.stderr() and "lost its end" not in again.stderr(), again.stderr()
    equal(spills(t), [])


@test
def a_worker_that_dies_continues_with_the_file(t):
    messages = numbered(3000)
    hub, last = t.start(yaml(ARCHIVE, HELD)), None
    for part in range(6):
        hub.send("in", messages[part * 500 : part * 500 + 500])
        until(lambda: hub.account_now().of("in")["accepted"] == part * 500 + 500, "that is accepted")
        last = until(lambda: (w := worker_of(hub)) != last and w, "the next worker")
        os.kill(last, signal.SIGKILL)
        hub.says("went on after", count=part + 1)
    account = hub.stop()
    account.says("in", accepted=3000).says("in -> screen", in_flight=3000, saved=3000).of("in -> archive")
    mended(t, messages).says("in -> screen", delivered=3000)
