# SPDX-License-Identifier: Apache-2.0
"""Plugins that crash, hang, exit or corrupt; a worker, a keeper, both killed: the rest continues, and the account closes."""

import os
import random
import shutil
import signal
import time

import judge
from killer import waits_for_events, worker_of
from kit import equal, frames_in, process, stream, test, until

BESIDE = """
data_dir: state
sources: {in: {fifo: in}}
handlers:
  bad: {plugin: recorder, options: {path: bad.out%s}%s}
  out: {plugin: log, options: {path: out, format: frames, sync: never}}
routes: [{from: in, to: [bad, out]}]
"""
FORWARD = """
data_dir: state
drain_timeout: 1s
sources: {in: {fifo: in}}
handlers: {next: {plugin: forward, options: {fifo: next}}}
routes: [{from: in, to: next}]
"""


def trapped(does, more=""):
    return BESIDE % (f", trap: poison, trap_does: {does}", more)


def numbered(count, poison=()):
    return [(b"poison %d" if i in poison else b"message %d") % i for i in range(count)]


def kill_worker(hub):
    """Not the keeper: waits for a worker to be there. Returns its number."""
    pid = until(lambda: (w := worker_of(hub.process.pid)) != hub.process.pid and w, "the keeper has a worker")
    os.kill(pid, signal.SIGKILL)
    return pid


def killed(hub):
    """What a hub is after `kill -9`: it leaves no account."""
    hub.process.wait()
    hub.ended = True


def gone(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def times_again(t, file, sent):
    """How often a log repeated a batch; it must have all of `sent`, in order."""
    return len(judge.replays(file, [judge.mark(m) for m in t.frames(file)], [judge.mark(m) for m in sent]))


def handled(t, sent, kills=0):
    """The recorder has these, each line once, but for one repeat a kill."""
    marks = [mark for _, mark in judge.recorded(t.path("bad.out").read_text(), sources=["in"])["in"]]
    again = judge.replays("bad", marks, [judge.mark(m) for m in sent])
    assert len(again) <= kills and max(again, default=0) <= 1, f"repeated {again}, {kills} kills"


def dead_letters(t):
    """Everything under data_dir, to be searched."""
    return b"".join(p.read_bytes() for p in sorted(t.path("state").rglob("*")) if p.is_file())


# ---- one message that its handler cannot bear


def one_poisoned(t, yaml, reason, count=3000, seconds=30):
    t.only_uninstrumented()  # a sanitizer turns a crash into an error of its own
    messages = numbered(count, poison=[count // 2])
    hub = t.start(yaml)
    hub.send("in", messages)
    hub.says(r"(?i)dead.?letter|dead-lettered", seconds=seconds)
    account = hub.stop().says("in", accepted=count).says("in -> out", delivered=count)
    account.says("in -> bad", delivered=count - 1, dead_lettered=1)
    handled(t, [m for m in messages if not m.startswith(b"poison")], kills=20)
    assert times_again(t, "out", messages) <= 20
    assert messages[count // 2] in dead_letters(t), "the message is kept"
    hub.says(reason)


@test
def a_message_that_crashes_its_handler_is_dead_lettered_and_all_else_arrives(t):
    one_poisoned(t, trapped("crash"), r"(?i)crashed|SIGSEGV|segmentation")


@test
def a_message_that_hangs_its_handler_is_dead_lettered_after_its_timeout(t):
    one_poisoned(t, trapped("hang", ", timeout: 1s"), r"(?i)timeout|did not come back")


@test
def a_message_at_which_the_plugin_exits_is_dead_lettered(t):
    one_poisoned(t, trapped("exit"), r"(?i)exit")


@test
def a_message_at_which_the_plugin_corrupts_its_heap_is_dead_lettered(t):
    one_poisoned(t, trapped("corrupt"), r"(?i)crashed|SIGABRT|abort")


def dying(phase, way):
    return BESIDE.replace("{plugin: recorder, options: {path: bad.out%s}%s}", f"{{plugin: dying, options: {{in: {phase}, by: {way}, until: cured}}}}")


def one_that_names_nobody(t, way, said):
    t.only_uninstrumented()
    messages = numbered(60, poison=[30])
    hub = t.start(dying("handle", way))
    hub.send("in", messages)
    hub.says("bad: message 31 of in is dead-lettered: its plugin " + said, seconds=60)
    account = hub.stop().says("in", accepted=60).says("in -> out", delivered=60)
    account.says("in -> bad", delivered=59, dead_lettered=1)
    assert messages[30] in dead_letters(t), "the message is kept"


@test
def a_message_at_which_the_worker_is_killed_each_time_is_dead_lettered(t):
    """As the kernel does when memory runs out."""
    one_that_names_nobody(t, "kill", r"was killed \(SIGKILL\)")


@test
def a_message_at_which_a_plugins_alarm_ends_the_worker_is_dead_lettered(t):
    one_that_names_nobody(t, "alarm", r"was killed \(SIGALRM\)")


@test
def a_message_at_which_the_plugin_ends_the_process_without_a_word_is_dead_lettered(t):
    one_that_names_nobody(t, "quit", r"ended the process \(exit 0\)")


@test
def a_death_is_reported_with_its_place(t):
    t.only_uninstrumented()
    hub = t.start(dying("handle", "overflow"))
    hub.send("in", numbered(3, poison=[1]))
    hub.says(r"bad: its plugin crashed \(SIGSEGV\) in handle, at message 2 of in; it is tried alone\n(  note: .*\n)*  note: .*dying.so\+0x")
    account = hub.stop().says("in", accepted=3).says("in -> out", delivered=3)
    equal(account.of("in -> bad")["delivered"], 2)


def held_for(t, phase, way, said):
    """The handler is held, the other one continues, and the hub ends as ever."""
    t.only_uninstrumented()
    hub = t.hub(dying(phase, way))
    hub.launch()
    hub.says("ready|went on after", seconds=60)
    hub.send("in", numbered(3, poison=[1]))
    hub.says(rf"bad is held: its plugin has ended the worker 3 times in {phase} \({said}", seconds=60)
    t.until_logged("out", numbered(3, poison=[1]))
    account = hub.stop().says("in", accepted=3).says("in -> out", delivered=3)
    delivered = 1 if phase == "close" else 0
    equal((account.of("in -> bad")["delivered"], account.of("in -> bad")["in_flight"]), (delivered, 3 - delivered))


@test
def a_plugin_that_crashes_each_time_it_is_opened_is_held(t):
    held_for(t, "open", "crash", r"crashed \(SIGSEGV\)")


@test
def a_plugin_that_ends_the_process_each_time_it_is_opened_is_held_and_the_hub_goes_on(t):
    held_for(t, "open", "exit", r"ended the process \(exit 0\)")


@test
def a_plugin_that_crashes_each_time_it_is_closed_is_held_though_it_opens_well(t):
    held_for(t, "close", "crash", r"crashed \(SIGSEGV\)")


@test
def a_plugin_in_whose_close_the_worker_is_killed_each_time_is_held(t):
    held_for(t, "close", "kill", r"was killed \(SIGKILL\)")


@test
def one_message_in_a_hundred_thousand_is_found(t):
    one_poisoned(t, trapped("crash"), r"(?i)crashed|SIGSEGV|segmentation", count=100_000)


@test
def five_different_messages_in_a_row_hold_the_handler_and_the_rest_continues(t):
    t.only_uninstrumented()
    messages = numbered(200, poison=range(50, 60))
    hub = t.start("drain_timeout: 1s\n" + trapped("crash"))
    hub.send("in", messages)
    hub.says(r"(?i)bad.*\bheld\b", seconds=40)
    t.until_logged("out", messages)
    account = hub.stop().says("in", accepted=200).says("in -> out", delivered=200)
    bad = account.of("in -> bad")
    equal((bad["delivered"], bad["dead_lettered"], bad["in_flight"]), (50, 4, 146))
    assert times_again(t, "out", messages) <= 40


@test
def what_asked_to_be_held_is_held_by_the_next_worker_too(t):
    hub = t.start(BESIDE.replace("{plugin: recorder, options: {path: bad.out%s}%s}", "{plugin: held}"))
    hub.send("in", [b"first"])
    hub.says("bad is held: held at message 1")
    kill_worker(hub)
    hub.says("went on after .*, but not: bad")
    hub.send("in", [b"second"])
    t.until_logged("out", [b"first", b"second"])
    account = hub.stop().says("in", accepted=2).says("in -> out", delivered=2)
    equal(account.of("in -> bad")["in_flight"], 2)


# ---- a worker that is killed while ...


def kill_now_and_then(hub, times, pause, enough=lambda: False):
    """Another worker each time; returns how many. Not when all is done: workers that have nothing to do make no progress."""
    chance, last = random.Random(5), None
    for kill in range(1, times + 1):
        if enough():
            return kill - 1
        time.sleep(chance.uniform(0, 2 * pause))  # the instants are the test
        until(lambda: worker_of(hub.process.pid) not in (hub.process.pid, last), "the next worker")
        last = kill_worker(hub)
        hub.says("went on after", count=kill)  # or the keeper would give up: no worker had come so far
    return times


@test(seconds=120)
def a_slow_handler_loses_nothing_when_the_worker_is_killed_again_and_again(t):
    messages = numbered(200)
    hub = t.start(BESIDE % (", delay: 20ms", ""))
    hub.send("in", messages)
    kill_now_and_then(hub, times=20, pause=0.2)
    until(lambda: t.size("bad.out") and t.path("bad.out").read_bytes().count(b"\n") >= 200, "all are handled", 60)
    hub.stop().all_delivered(200)
    handled(t, messages, kills=20)
    assert times_again(t, "out", messages) <= 20


@test(seconds=120)
def a_writer_notices_nothing_of_a_killed_worker(t):
    messages = numbered(20_000)
    hub = t.start(BESIDE % ("", ""))
    sending = t.meanwhile(hub.send, "in", messages)
    assert kill_now_and_then(hub, 10, 0.02, lambda: not sending.is_alive()) > 0, "there was no kill"
    sending.join()
    hub.stop().all_delivered(len(messages))
    assert times_again(t, "out", messages) <= 10


@test(seconds=120)
def readers_that_die_beside_a_worker_that_is_killed_get_every_frame_whole_and_in_order(t):
    messages = [b"%d " % i + b"." * (i * 37 % 9000) for i in range(2000)]
    hub = t.start(FORWARD)
    sending = t.meanwhile(hub.send, "in", messages)
    got, chance = [], random.Random(7)
    killing = t.meanwhile(kill_now_and_then, hub, 40, 0.03, lambda: len(got) > 1800)
    while len(got) < len(messages):
        left = len(stream(messages[len(got) :]))
        got += visit(t, hub, min(left, chance.randint(1, 300_000)))
    equal(got, messages)
    assert killing.join() >= 10, "there were hardly any kills"
    sending.join()
    hub.stop().all_delivered(len(messages))


def visit(t, hub, size):
    """The whole frames of a reader that comes, reads about `size` bytes and dies; the hub has seen it go."""
    reader, data = t.reader("next"), b""
    while len(data) < size:
        data += reader.read_some(size - len(data))
    reader.close()
    until(lambda: waits_for_events(hub.process.pid), "the hub sees the reader's death")
    return frames_in(data, incomplete=True)[0]


# ---- a keeper that is killed, and everything


@test
def a_killed_keepers_worker_spills_and_the_next_start_delivers(t):
    messages = numbered(5000)
    hub = t.start(FORWARD)
    hub.send("in", messages)
    keeper_dies(hub)
    again = t.start(FORWARD)
    equal(t.reader("next").take(5000), messages)
    again.stop().all_delivered(5000)


@test
def a_killed_keepers_reader_gets_each_message_once_over_both_lives(t):
    messages = [b"%d " % i + b"." * (i * 37 % 9000) for i in range(1000)]
    hub = t.start(FORWARD)
    collecting = t.meanwhile(collect, t, len(messages))
    hub.send("in", messages[:500])
    keeper_dies(hub)
    again = t.start(FORWARD)
    again.send("in", messages[500:])
    equal(collecting.join(), messages)
    again.stop()
    equal(again.account.of("in -> next")["in_flight"], 0)
    equal(again.account.of("in")["unmatched"], 0)


def collect(t, count):
    """What a reader gets that stays; at an end of the file it forgets a frame that it has only a part of."""
    reader, got, rest = t.reader("next"), [], b""
    os.set_blocking(reader.fd, True)
    while len(got) < count:
        data = os.read(reader.fd, 1 << 16)
        whole, rest = frames_in(rest + data, incomplete=True) if data else ([], b"")
        got += whole
        if not data:
            time.sleep(0.002)  # nobody writes: the next life has not begun
    return got


def keeper_dies(hub):
    worker = until(lambda: (w := worker_of(hub.process.pid)) != hub.process.pid and w, "the keeper has a worker")
    hub.process.kill()
    killed(hub)
    until(lambda: gone(worker), "the worker ends", 10)


HANGING = """
data_dir: state
sources: {in: {fifo: in}}
handlers: {bad: {plugin: hanging, options: {until: cured}}}
routes: [{from: in, to: bad}]
"""


def hanging(t, count, at):
    """A hub whose loop hangs in a message."""
    messages = numbered(count)
    messages[at] = b"hang"
    hub = t.start(HANGING)
    hub.send("in", messages)
    until(lambda: not waits_for_events(hub.process.pid), "the worker hangs")
    return hub


@test
def a_killed_keepers_worker_that_hangs_in_a_plugin_is_replaced_by_one_that_saves(t):
    hub = hanging(t, 3000, at=1000)
    worker = worker_of(hub.process.pid)
    hub.process.kill()
    killed(hub)
    for stop in (signal.SIGTERM, signal.SIGHUP):  # as a service manager, or a terminal that is closed
        os.kill(worker, stop)
    until(lambda: gone(worker), "the worker ends", 30)
    hub.says("a plugin has not come back to the worker for 5s: what waits is saved without it")
    hub.says(r"in -> bad: [\d,]+ messages wait in .* for the next start")
    t.path("cured").touch()
    again = t.start(HANGING)
    until(lambda: again.account_now().of("in -> bad")["in_flight"] == 0, "all that was saved is handled")
    account = again.stop()
    accepted = account.of("in")["accepted"]
    assert 2000 <= accepted <= 3000, f"{accepted}: what was not settled when the keeper died is redelivered, and nothing else"
    account.all_delivered(accepted)


@test
def a_message_that_hangs_the_loop_is_dead_lettered_before_the_service_managers_watchdog_is_due(t):
    t.only_uninstrumented()  # which may be slower than the watchdog
    messages = numbered(300)
    messages[100] = b"hang"
    os.environ["WATCHDOG_USEC"] = "1000000"
    hub = t.start(HANGING)
    hub.send("in", messages)
    hub.says("handler bad has stood still for 500ms, and the service manager waits for a sign of life; the worker is killed", count=3)
    hub.says("bad: message 101 of in is dead-lettered: its plugin did not come back within half of the service manager's watchdog time")
    hub.stop().says("in", accepted=300).says("in -> bad", delivered=299, dead_lettered=1)
    assert b"hang" in dead_letters(t), "the message is kept"


@test
def a_stop_does_not_wait_for_a_plugin_that_hangs_the_loop(t):
    hub = hanging(t, 300, at=100)
    hub.process.terminate()
    hub.says("handler bad has stood still for 5s, and the hub is to stop; the worker is killed")
    hub.says("in -> bad: 200 messages wait in .* for the next start")
    equal(hub.process.wait(), 0)
    hub.ended = True
    t.path("cured").touch()
    again = t.start(HANGING)
    until(lambda: again.account_now().of("in -> bad")["delivered"] == 200, "all that was saved is handled")
    again.stop().all_delivered(200)


@test(seconds=120)
def without_its_plugin_no_worker_continues_and_what_waits_is_saved(t):
    plugin = t.path("mine.so")
    shutil.copy(process.program().parent.parent / "lib/standpipe/plugins/forward.so", plugin)
    yaml, messages = FORWARD.replace("plugin: forward", "plugin: ./mine.so"), numbered(500)
    hub = t.start(yaml)
    hub.send("in", messages)
    until(lambda: hub.account_now().of("in")["accepted"] == 500, "all are accepted")
    plugin.rename(t.path("mine.gone"))
    kill_worker(hub)
    hub.says("there is no plugin file .*mine.so")
    hub.says("the worker died 10 times without progress: the hub stops; what waited in memory is saved", seconds=60)
    equal(hub.process.wait(), 1)
    hub.ended = True
    t.path("mine.gone").rename(plugin)
    again = t.start(yaml)
    equal(t.reader("next").take(500), messages)
    again.stop().all_delivered(500)


@test
def memory_that_does_not_hold_together_is_copied_for_a_person(t):
    messages = numbered(500)
    hub = t.start("memory_max: 32MiB\n" + FORWARD)
    hub.send("in", messages)
    until(lambda: hub.account_now().of("in")["accepted"] == 500, "all are accepted")
    with open(memory_of(hub.process.pid), "r+b") as memory:
        memory.seek(256)  # how much of it has records (FORMAT.md)
        memory.write(b"\xff" * 8)
    kill_worker(hub)
    hub.says("the memory of the hub does not hold together, so no worker can continue with it: the hub stops")
    hub.says("the hub's memory is copied, as it is, to .*/state/memory-1")
    equal(hub.process.wait(), 1)
    hub.ended = True
    copy = t.path("state/memory-1")
    assert stream(messages) in copy.read_bytes(), "the messages are in it"
    assert copy.stat().st_blocks * 512 < 32 << 20, "it has holes"
    copy.unlink()


def memory_of(keeper):
    (fd,) = [fd for fd in os.scandir(f"/proc/{keeper}/fd") if "standpipe-memory" in os.readlink(fd)]
    return fd.path


@test
def the_spill_is_gone_once_it_is_delivered(t):
    a_killed_keepers_worker_spills_and_the_next_start_delivers(t)
    assert b"message 4999" not in dead_letters(t), "nothing of it is left under data_dir"


@test
def a_stop_with_a_dead_reader_spills_and_the_next_start_delivers(t):
    messages = numbered(5000)
    hub = t.start(FORWARD)
    hub.send("in", messages)
    began = time.monotonic()
    account = hub.stop()
    assert time.monotonic() - began < 5, "drain_timeout is 1s"
    equal((account.of("in")["accepted"], account.of("in -> next")["in_flight"]), (5000, 5000))
    again = t.start(FORWARD)
    equal(t.reader("next").take(5000), messages)
    again.stop().all_delivered(5000)


@test
def when_all_is_killed_the_next_start_says_what_may_be_lost(t):
    hub = t.start(FORWARD)
    hub.send("in", numbered(5000))
    until(lambda: waits_for_events(hub.process.pid), "it is taken")
    time.sleep(1.5)  # a checkpoint is written each second
    worker = worker_of(hub.process.pid)
    os.kill(worker, signal.SIGSTOP)  # or it would spill
    hub.process.kill()
    if worker != hub.process.pid:
        os.kill(worker, signal.SIGKILL)
    killed(hub)
    until(lambda: gone(worker), "its worker has left its folder, too")
    again = t.start(FORWARD)
    again.says(r"(?i)may be lost|may have been lost|lost")
    again.send("in", [b"new"])
    equal(t.reader("next").take(1)[0] in (b"new", b"message 0"), True)
    again.stop()
    again.account.of("in"), again.account.of("in -> next")
