# SPDX-License-Identifier: Apache-2.0
"""A handler that is away holds up nobody else: what waits for it goes to the disk, and comes back in order when it is there again."""

import os
import resource
import signal

from kit import equal, test, until
from kit.account import Account
from spill_test import gone, killed, numbered, spills, worker_of

ARCHIVE = "archive: {plugin: log, options: {path: archive, format: frames}}"
HELD = "screen: {plugin: held}"
MENDED = "screen: {plugin: log, options: {path: screen, format: frames}}"
NEXT = "next: {plugin: forward, options: {fifo: next}}"


def yaml(*handlers, log="max_size: 64KiB", more=""):
    names = ", ".join(h.partition(":")[0] for h in handlers)
    return f"""
data_dir: state
drain_timeout: 500ms
{more}
sources: {{in: {{fifo: in, log: {{{log}}}}}}}
handlers: {{{", ".join(handlers)}}}
routes: [{{from: in, to: [{names}]}}]
"""


def files(t, handler="screen"):
    folder = t.path(f"state/queue/in/{handler}")
    return sorted(p.name for p in folder.iterdir()) if folder.exists() else []


def beside_a_held_one(t, messages):
    """A hub whose screen is held, and whose archive has got all of them."""
    hub = t.start(yaml(ARCHIVE, HELD))
    hub.send("in", messages)
    t.until_logged("archive", messages)
    return hub


def mended(t, messages):
    """The next hub, whose handler is not held, delivers what was saved, once and in order."""
    hub = t.start(yaml(ARCHIVE, MENDED))
    t.until_logged("screen", messages)
    account = hub.stop()
    equal(t.frames("screen"), messages)
    equal((spills(t), files(t)), ([], []))
    account.of("in")
    return account


@test
def others_go_on_beside_a_held_handler_and_the_next_start_delivers_what_it_missed(t):
    messages = numbered(3000)
    hub = beside_a_held_one(t, messages)
    hub.says("warning.*in: the log is full of what waits for screen, which is held .held at message 1.: from now on it goes to .*/state/queue/in/screen, and the")
    hub.says("help: remove the cause, and then: standpipe handler retry screen; it gets that first")
    stats = hub.stats()
    state = stats["overflows"]["in -> screen"]
    assert state["messages"] > 2000 and state["bytes"] > 400_000 and state["since"] and state["stuck"] is None, state
    equal((state["path"], state["max_bytes"]), (str(t.path("state/queue/in/screen")), 1 << 30))
    account = Account(stats).says("in -> archive", delivered=3000)
    account.says("in -> screen", in_flight=3000, saved=state["messages"])
    out, _ = t.run("stats", "--account", "--control", hub.control)
    assert "in -> screen: " in out.decode() and f" overflowed to {state['path']} since " in out.decode(), out.decode()
    hub.stop().says("in", accepted=3000).says("in -> archive", delivered=3000).says("in -> screen", in_flight=3000, saved=3000)
    equal(hub.stderr().count("from now on it goes to"), 1)
    mended(t, messages).says("in -> screen", delivered=3000)
    equal(t.frames("archive"), messages)


@test
def a_forward_without_a_reader_overflows_and_its_next_reader_gets_all_in_order(t):
    messages = numbered(6000)
    hub = t.start(yaml(ARCHIVE, NEXT))
    hub.send("in", messages[:3000])
    t.until_logged("archive", messages[:3000])
    hub.says("warning.*in: the log is full of what waits for next, which has no reader at .*/next: from now on it goes to .*/state/queue/in/next")
    assert files(t, "next")
    reader = t.reader("next")
    got = reader.take(1000)
    hub.send("in", messages[3000:])
    equal(got + reader.take(5000), messages)
    hub.says("in -> next: all that overflowed to the disk is delivered")
    equal((files(t, "next"), hub.stats()["overflows"]), ([], {}))
    hub.send("in", numbered(10, 6000))
    equal(reader.take(10), numbered(10, 6000))
    hub.stop().all_delivered(6010)
    equal(files(t, "next"), [])


def after_a_readers_death(t, options):
    messages = numbered(6000)
    hub = t.start(yaml(ARCHIVE, NEXT.replace("{fifo: next", "{fifo: next" + options)))
    reader = t.reader("next")
    hub.send("in", messages[:2000])
    got = reader.take(2000)
    reader.close()
    hub.send("in", messages[2000:])
    t.until_logged("archive", messages)
    equal(got + t.reader("next").take(4000), messages)
    hub.stop().all_delivered(6000)


@test
def a_reader_that_dies_is_followed_by_one_that_gets_what_overflowed_meanwhile(t):
    after_a_readers_death(t, "")


@test
def so_it_is_where_what_a_dead_reader_had_counts_as_delivered(t):
    after_a_readers_death(t, ", on_reader_death: count")


@test
def so_it_is_where_others_may_write_to_the_same_fifo(t):
    after_a_readers_death(t, ', mode: "0620"')


@test
def a_handler_that_is_disconnected_overflows_until_it_is_connected(t):
    messages = numbered(3000)
    away = "screen: {plugin: disconnecting, options: {every: 1000000, failures: 5}, retry: {backoff: {initial: 600ms, max: 600ms}}}"
    hub = t.start(yaml(ARCHIVE, away))
    hub.send("in", messages)
    hub.says("warning.*in: the log is full of what waits for screen, which is disconnected .open fails . more times.: from now on it goes to")
    hub.says("in -> screen: all that overflowed to the disk is delivered")
    t.until_logged("archive", messages)
    hub.stop().all_delivered(3000)


@test
def a_slow_reader_holds_its_source_back_and_nothing_goes_to_the_disk(t):
    hub = t.start(yaml(ARCHIVE, NEXT))
    reader = t.reader("next")
    messages = t.writer("in").fill()
    equal((files(t, "next"), hub.stats()["overflows"]), ([], {}))
    equal(reader.take(len(messages)), messages)
    hub.stop().all_delivered(len(messages))


@test
def a_worker_that_dies_continues_an_overflow_and_what_comes_back_from_it(t):
    messages, got, reader, last = numbered(6000), [], None, None
    hub = t.start(yaml(ARCHIVE, NEXT))
    for part in range(6):
        sending = t.meanwhile(hub.send, "in", messages[part * 1000 : part * 1000 + 1000])
        if part == 2:
            reader = t.reader("next")
        if reader:
            got += reader.take(part * 1000 + 900 - len(got))
        sending.join()
        t.until_logged("archive", messages[: part * 1000 + 1000])
        last = until(lambda: (w := worker_of(hub)) != last and w, "the next worker")
        os.kill(last, signal.SIGKILL)
        hub.says("went on after", count=part + 1)
    got += reader.take(6000 - len(got))
    equal(got, messages)
    hub.stop().all_delivered(6000)
    equal(files(t, "next"), [])


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
    hub = beside_a_held_one(t, messages)
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
    hub = t.start(yaml(ARCHIVE, HELD, more="overflow_max: 300KiB"))
    messages = numbered(20_000)
    sending = t.meanwhile(send_while_it_runs, hub, messages)
    hub.says("warning.*in -> screen: no more of what waits for it goes to the disk, so the source is not read, and its writers wait: what overflows fills all that may .300KiB")
    assert "fills all that may" in hub.stats()["overflows"]["in -> screen"]["stuck"]
    assert sum(t.size(f"state/queue/in/screen/{f}") for f in files(t)) <= 300 * 1024
    assert sending.is_alive(), "the writer waits"
    equal(hub.stderr().count("no more of what waits"), 1)
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
    hub.says("warning.*in -> screen: no more of what waits for it goes to the disk, so the source is not read, and its writers wait: .*File too large")
    resource.prlimit(worker_of(hub), resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    hub.says("in -> screen: its overflow takes messages again", seconds=30)
    sending.join()
    until(lambda: hub.account_now().of("in -> archive")["matched"] == 1501, "all is accepted", 30)
    hub.stop().says("in", accepted=1501).says("in -> screen", in_flight=1501).of("in -> archive")
    mended(t, numbered(1501)).says("in -> screen", delivered=1501)


@test
def when_all_is_killed_what_was_saved_is_there(t):
    messages = numbered(3000)
    hub = beside_a_held_one(t, messages)
    saved = hub.stats()["overflows"]["in -> screen"]["messages"]
    worker = worker_of(hub)
    os.kill(worker, signal.SIGSTOP)  # or it would save the rest
    killed(hub)
    os.kill(worker, signal.SIGKILL)
    until(lambda: gone(worker), "the worker is gone")
    again = t.start(yaml(ARCHIVE, MENDED))
    again.says("in -> screen: .* messages of an earlier run wait in .*/state/queue/in/screen, and come first")
    t.until_logged("screen", messages[:saved])
    again.stop().says("in", accepted=0).says("in -> screen", delivered=saved)
    equal(t.frames("screen"), messages[:saved])
    assert "damaged" not in again.stderr() and "lost its end" not in again.stderr(), again.stderr()
    equal(files(t), [])


@test
def what_a_removed_handler_has_overflowed_is_dead_lettered(t):
    messages = numbered(3000)
    hub = beside_a_held_one(t, messages)
    hub.config.write_text("version: 1\n" + yaml(ARCHIVE))
    t.run("reload", "--control", hub.control)
    until(lambda: hub.account_now().of("in -> screen")["dead_lettered"] == 3000, "all is dead-lettered")
    hub.stop().says("in", accepted=3000).says("in -> archive", delivered=3000).says("in -> screen", dead_lettered=3000)
    equal(files(t), [])


@test
def a_reload_that_mends_a_held_handler_delivers_what_it_missed(t):
    messages = numbered(3000)
    hub = beside_a_held_one(t, messages)
    hub.config.write_text("version: 1\n" + yaml(ARCHIVE, MENDED))
    t.run("reload", "--control", hub.control)
    t.until_logged("screen", messages)
    hub.says("in -> screen: all that overflowed to the disk is delivered")
    equal(t.frames("screen"), messages)
    hub.stop().all_delivered(3000)
    equal(files(t), [])


@test
def when_the_keeper_is_killed_the_next_start_delivers_all(t):
    messages = numbered(3000)
    hub = beside_a_held_one(t, messages)
    worker = worker_of(hub)
    killed(hub)
    until(lambda: gone(worker), "the worker has saved the rest, and ended")
    mended(t, messages).says("in -> screen", delivered=3000)
