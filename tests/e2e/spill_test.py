# SPDX-License-Identifier: Apache-2.0
"""What a hub could not deliver is on the disk when it has ended, and comes first in the next one: in order, and once."""

import os
import re
import resource
import signal
import time

from kit import equal, frames_in, test, until
from kit.timing import SLOW

NEXT = "next: {plugin: forward, options: {fifo: next}}"
ALL = "all: {plugin: log, options: {path: out, format: frames}}"


def yaml(*handlers, more=""):
    names = ", ".join(h.partition(":")[0] for h in handlers)
    return f"""
data_dir: state
drain_timeout: 300ms
sources: {{in: {{fifo: in{more}}}}}
handlers: {{{", ".join(handlers)}}}
routes: [{{from: in, to: [{names}]}}]
"""


def numbered(count, begin=0):
    return [b"%d " % i + b"." * (i * 37 % 400) for i in range(begin, begin + count)]


def spills(t):
    return sorted(p.name for p in t.path("state/spill").glob("*")) if t.path("state/spill").exists() else []


def left(t, messages):
    """By a hub that gets them and has no reader for them."""
    one = t.start(yaml(NEXT))
    one.send("in", messages)
    account = one.stop()
    equal(account.of("in -> next")["in_flight"], account.of("in")["accepted"])
    return one


@test
def a_hub_without_a_reader_ends_in_time_and_the_next_one_delivers(t):
    messages = numbered(2000)
    began = time.monotonic()
    hub = left(t, messages)
    assert time.monotonic() - began < 5 * SLOW
    equal(spills(t), ["in-1.log"])
    hub.says("in -> next: 2,000 messages wait in .*/state/spill/in-1.log for the next start")
    again = t.start(yaml(NEXT))
    again.says("in: 2,000 messages that an earlier run could not deliver come first")
    again.send("in", numbered(10, 2000))
    equal(t.reader("next").take(2010), numbered(2010))
    again.stop().all_delivered(2010)
    equal(spills(t), [])


@test
def each_message_comes_once_when_a_reader_takes_some_of_them_in_each_of_many_lives(t):
    messages, got = [m * 10 for m in numbered(1500)], []
    roomy = yaml(NEXT, more=", log: {max_size: 16MiB}")
    hub = t.start(roomy)
    hub.send("in", messages)
    for life in range(5):
        reader = t.reader("next")
        data = reader.read_some(20_000)
        account = hub.stop()
        account.of("in"), account.of("in -> next")
        got += frames_in(data + reader.read_to_end(), incomplete=True)[0]
        reader.close()
        hub = t.start(roomy)
    got += t.reader("next").take(len(messages) - len(got))
    equal(got, messages)
    hub.stop().of("in"), hub.account.of("in -> next")
    equal(spills(t), [])


@test
def a_hub_that_stops_twice_in_a_row_keeps_the_order(t):
    left(t, numbered(500))
    left(t, numbered(500, 500))
    equal(spills(t), ["in-2.log"])
    hub = t.start(yaml(NEXT))
    equal(t.reader("next").take(1000), numbered(1000))
    hub.stop().all_delivered(1000)


@test
def a_log_that_is_smaller_than_what_was_saved_is_fed_in_turns(t):
    left(t, numbered(500))
    hub = t.start(yaml(NEXT, more=", log: {max_size: 16KiB}"))
    hub.send("in", [b"new"])
    equal(t.reader("next").take(501), numbered(500) + [b"new"])
    hub.stop().all_delivered(501)


@test
def what_is_not_fed_yet_at_the_next_stop_stays_in_order(t):
    left(t, numbered(500))
    hub = t.start(yaml(NEXT, more=", log: {max_size: 16KiB}"))
    hub.send("in", numbered(10, 500))
    account = hub.stop()
    equal(account.of("in")["accepted"], account.of("in -> next")["in_flight"])
    hub.says("messages of an earlier run wait on in .*/in-2.log")
    equal(spills(t), ["in-2.log"])
    last = t.start(yaml(NEXT))
    equal(t.reader("next").take(510), numbered(510))
    last.stop().all_delivered(510)


@test
def what_was_left_for_a_handler_that_is_gone_is_dead_lettered(t):
    left(t, numbered(100))
    hub = t.start(yaml(ALL))
    hub.says("warning.*in: an earlier run left messages for next, which the configuration no longer has: they are dead-lettered")
    hub.send("in", [b"new"])
    t.until_logged("out", [b"new"])
    until(lambda: hub.account_now().of("in -> next")["in_flight"] == 0, "all is settled")
    account = hub.stop().says("in", accepted=101).says("in -> next", dead_lettered=100)
    account.says("in -> all", delivered=1)
    equal(account.of("in -> next")["dead_letters"], {"shutdown": 100})
    letters = t.path("state/dead-letters.log").read_bytes()
    assert all(letters.count(m) >= 1 for m in numbered(100))
    equal(spills(t), [])


@test
def what_was_left_for_a_handler_to_which_no_route_leads_any_more_is_delivered(t):
    left(t, numbered(100))
    hub = t.start(yaml(ALL, NEXT).replace("to: [all, next]", "to: all"))
    hub.says("in: an earlier run left messages for next, to which no route leads any more: it gets these")
    hub.send("in", [b"new"])
    equal(t.reader("next").take(100), numbered(100))
    hub.stop().says("in", accepted=101).says("in -> next", delivered=100).says("in -> all", delivered=1)


@test
def only_those_who_still_want_a_message_get_it_again(t):
    hub = t.start(yaml(ALL, NEXT))
    hub.send("in", numbered(100))
    t.until_logged("out", numbered(100))
    hub.stop().says("in", accepted=100).says("in -> all", delivered=100).says("in -> next", in_flight=100)
    again = t.start(yaml(ALL, NEXT))
    equal(t.reader("next").take(100), numbered(100))
    again.stop().says("in", accepted=100).says("in -> next", delivered=100)
    equal(t.frames("out"), numbered(100))


@test
def what_a_source_left_that_is_gone_stays_and_is_reported(t):
    left(t, numbered(10))
    hub = t.start(yaml(NEXT).replace("{in:", "{other:").replace("from: in", "from: other"))
    hub.says("warning.*in-1.log has messages of source in, which the configuration no longer has: they stay there\n.*take them out .standpipe queue export --data-dir .*state")
    hub.stop().all_delivered(0)
    equal(spills(t), ["in-1.log"])


# ---- whatever stands in data_dir


@test
def what_stands_in_the_place_of_the_hubs_own_files_is_reported_and_costs_no_message(t):
    t.path("state/spill").mkdir(parents=True)
    os.mkfifo(t.path("state/running"))
    os.mkfifo(t.path("state/stopped"))
    os.mkfifo(t.path("state/dead-letters.log"))
    os.symlink("stopped.tmp", t.path("state/stopped.tmp"))
    os.symlink("running.tmp", t.path("state/running.tmp"))
    os.mkfifo(t.path("state/spill/in-1.log"))
    t.path("state/spill/in-2.log").write_bytes(b"garbage, and more than a header of it")
    t.path("state/spill/in-3.log.tmp").mkdir()
    os.symlink("in-4.log.tmp", t.path("state/spill/in-4.log.tmp"))
    left(t, numbered(10))
    again = t.start(yaml(NEXT))
    equal(t.reader("next").take(10), numbered(10))
    again.stop().all_delivered(10)


# ---- deaths


def worker_of(hub):
    children = lambda: open(f"/proc/{hub.process.pid}/task/{hub.process.pid}/children").read().split()
    return int(until(children, "the keeper has a worker")[0])


def gone(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def sleeps(switches):
    before = switches()
    time.sleep(1.5)  # what is measured, not a wait for something
    return switches() == before


def killed(hub):
    hub.process.kill()
    hub.process.wait()
    hub.ended = True


@test
def a_worker_that_is_killed_while_it_serves_repeats_nothing(t):
    left(t, numbered(2000))
    hub = t.start(yaml(NEXT, more=", log: {max_size: 16KiB}"))
    reader, got, last = t.reader("next"), [], None
    for _ in range(8):
        got += reader.take(200)
        last = until(lambda: (w := worker_of(hub)) != last and w, "the next worker")
        os.kill(last, signal.SIGKILL)
    got += reader.take(400)
    equal(got, numbered(2000))
    hub.stop().all_delivered(2000)


@test
def when_the_keeper_is_killed_its_worker_saves_what_waits(t):
    hub = t.start(yaml(NEXT))
    hub.send("in", numbered(500))
    worker = worker_of(hub)
    killed(hub)
    until(lambda: gone(worker), "the worker ends", 10)
    again = t.start(yaml(NEXT))
    equal(t.reader("next").take(500), numbered(500))
    again.stop().all_delivered(500)


@test
def when_all_is_killed_the_next_hub_says_what_may_be_lost(t):
    hub = t.start(yaml(NEXT))
    hub.send("in", numbered(500))
    until(lambda: "accepted.in=500\n" in t.path("state/running").read_text(), "the checkpoint has it")
    worker = worker_of(hub)
    os.kill(worker, signal.SIGSTOP)  # or it would save
    killed(hub)
    os.kill(worker, signal.SIGKILL)
    until(lambda: gone(worker), "the worker is gone")
    again = t.start(yaml(NEXT))
    again.says("warning.*it had accepted 500 messages, and 500 deliveries were not finished")
    again.stop().all_delivered(0)
    third = t.start(yaml(NEXT))
    third.stop().all_delivered(0)
    assert "did not end by itself" not in third.stderr()


@test
def a_hub_at_which_nothing_happens_writes_no_checkpoints_and_sleeps(t):
    t.only_uninstrumented()
    hub = t.start(yaml(ALL))
    hub.send("in", numbered(5))
    until(lambda: "accepted.in=5\n" in t.path("state/running").read_text(), "the checkpoint has it")
    until(lambda: "in_flight=0\n" in t.path("state/running").read_text(), "and that all is delivered")
    switches = lambda: re.findall(r"ctxt_switches:\s*(\d+)", open(f"/proc/{worker_of(hub)}/status").read())
    until(lambda: sleeps(switches), "the worker sleeps")
    hub.stop().all_delivered(5)


@test
def a_stop_that_finds_no_worker_saves_all_the_same(t):
    t.only_uninstrumented()
    hub, last = t.start(yaml(NEXT)), None
    messages = t.writer("in").fill()
    for _ in range(5):  # until the pause before the next one is long
        last = until(lambda: (w := worker_of(hub)) != last and w, "the next worker")
        os.kill(last, signal.SIGKILL)
    account = hub.stop()
    equal((account.of("in")["accepted"], account.of("in -> next")["in_flight"]), (len(messages), len(messages)))
    again = t.start(yaml(NEXT))
    equal(t.reader("next").take(len(messages)), messages)
    again.stop().all_delivered(len(messages))


# ---- the folder


@test
def two_hubs_do_not_share_a_folder(t):
    hub = t.start(yaml(NEXT))
    said = t.hub(yaml(NEXT).replace("in}", "in2}")).fails_to_start()
    assert "another hub (process " in said and "set data_dir in one of them" in said, said
    hub.stop().all_delivered(0)


@test
def a_disk_that_is_full_costs_what_it_has_no_room_for_and_that_is_reported(t):
    hub = t.start(yaml(NEXT))
    resource.prlimit(worker_of(hub), resource.RLIMIT_FSIZE, (20_000, 20_000))
    hub.send("in", numbered(500))
    account = hub.stop(status=1).says("in", accepted=500)
    account.says("in -> next", dropped={"shutdown": 500})
    assert "in: what is left cannot be saved: " in hub.stderr()
    equal(spills(t), [])
