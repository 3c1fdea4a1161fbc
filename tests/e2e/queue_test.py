# SPDX-License-Identifier: Apache-2.0
"""A handler's queue: how much may wait for it, and what happens to the rest. Whatever that is, it stands in nobody's way."""

import os
import resource
import signal
import time

from kit import equal, frames_in, test, until
from kit.timing import SLOW
from overflow_test import ARCHIVE, MENDED
from overflow_test import yaml as with_log
from spill_test import gone, killed, numbered, worker_of


def held(queue):
    return f"screen: {{plugin: held, queue: {{{queue}}}}}"


def forward(queue):
    return f"next: {{plugin: forward, options: {{fifo: next}}, queue: {{{queue}}}}}"


def yaml(*handlers, log="max_size: 1MiB"):
    return with_log(*handlers, log=log)


def number(message):
    return int(message.split()[0])


def at_rest(hub):
    """How many messages are in flight, if nothing becomes of them for a moment."""
    before = hub.account_now().of("in -> next")["in_flight"]
    time.sleep(0.3)
    return before if hub.account_now().of("in -> next")["in_flight"] == before else 0


def left_by(t, queue, messages):
    hub = t.start(yaml(ARCHIVE, held(queue)))
    hub.send("in", messages)
    t.until_logged("archive", messages)
    until(lambda: hub.account_now().of("in -> screen")["dropped"].get("queue_full") == len(messages) - 100, "the rest is dropped")
    hub.says("warning.*in -> screen: .* dropped .queue_full.: its queue holds all that it may")
    account = hub.stop().says("in", accepted=len(messages)).says("in -> archive", delivered=len(messages))
    account.says("in -> screen", in_flight=100, dropped={"queue_full": len(messages) - 100})
    hub = t.start(yaml(ARCHIVE, MENDED))
    until(lambda: hub.account_now().of("in -> screen")["delivered"] == 100, "what waited is delivered")
    hub.stop().all_delivered(100)
    return t.frames("screen")


@test
def a_queue_that_drops_the_oldest_has_the_last_messages(t):
    messages = numbered(3000)
    got = left_by(t, "type: memory, max_messages: 100, when_full: drop_oldest", messages)
    equal(got[50:], messages[-50:])  # its plugin may have had the half of a queue in its hands, and that was not dropped
    equal(got, sorted(got, key=number))


@test
def a_queue_that_drops_the_newest_has_the_first_messages(t):
    messages = numbered(3000)
    equal(left_by(t, "type: memory, max_messages: 100, when_full: drop_newest", messages), messages[:100])


@test
def a_queue_that_blocks_makes_writers_wait_and_loses_nothing(t):
    hub = t.start(yaml(forward("type: memory, max_messages: 50")))
    messages = t.writer("in").fill()
    accepted = hub.account_now().of("in")["accepted"]
    assert 50 <= accepted < 700, f"{accepted} of {len(messages)}"
    reader = t.reader("next")
    equal(reader.take(len(messages)), messages)
    hub.stop().all_delivered(len(messages))


@test
def a_forward_without_a_reader_stands_in_nobodys_way(t):
    messages = numbered(40_000)
    hub = t.start(yaml(ARCHIVE, forward("type: memory, max_size: 100KiB, when_full: drop_oldest")))
    hub.send("in", messages)
    t.until_logged("archive", messages)
    part = hub.account_now().of("in -> next")
    assert part["dropped"]["queue_full"] > 30_000 and part["in_flight"] > 0, part
    got = t.reader("next").take(part["in_flight"])
    equal(got[-1], messages[-1])
    equal(got, sorted(got, key=number))
    account = hub.stop().says("in", accepted=40_000).says("in -> archive", delivered=40_000)
    account.says("in -> next", delivered=len(got), dropped={"queue_full": 40_000 - len(got)})


def wedged(t, isolation):
    """A handler that does not come back from its first call stands in nobody's way, and the call's end changes nothing."""
    stuck = f"stuck: {{plugin: hanging, isolation: {isolation}, options: {{until: cured}}, queue: {{type: memory, max_messages: 100, when_full: drop_oldest}}}}"
    hub = t.start(yaml(ARCHIVE, stuck))
    hub.send("in", [b"hang"])
    until(lambda: "in one call" in t.run("stats", "--control", hub.control)[0].decode(), "it hangs")
    messages = numbered(40_000)
    hub.send("in", messages)
    t.until_logged("archive", [b"hang", *messages])
    hub.says("in -> stuck: the log is full of what it has in a call that does not come back, so those messages are dropped")
    part = hub.account_now().of("in -> stuck")
    equal((part["in_flight"], part["dropped"]["queue_full"]), (100, 39_901))
    t.path("cured").touch()
    until(lambda: hub.account_now().of("in -> stuck")["delivered"] == 100, "it goes on with what waits")
    account = hub.stop().says("in", accepted=40_001).says("in -> archive", delivered=40_001)
    account.says("in -> stuck", delivered=100, dropped={"queue_full": 39_901})


@test
def a_handler_that_is_wedged_in_a_thread_stands_in_nobodys_way(t):
    wedged(t, "thread")


@test
def a_handler_that_is_wedged_in_a_process_stands_in_nobodys_way(t):
    wedged(t, "process")


@test
def a_worker_that_dies_leaves_a_queue_as_it_was(t):
    messages = numbered(6000)
    hub = t.start(yaml(ARCHIVE, held("type: memory, max_messages: 100, when_full: drop_oldest")))
    for life in range(3):
        hub.send("in", messages[life * 2000 : life * 2000 + 2000])
        os.kill(worker_of(hub), signal.SIGKILL)
        hub.says("went on after", life + 1)
    t.until_logged("archive", messages)
    until(lambda: hub.account_now().of("in -> screen")["in_flight"] == 100, "the rest is dropped")
    account = hub.stop().says("in", accepted=6000).says("in -> archive", delivered=6000)
    account.says("in -> screen", in_flight=100, dropped={"queue_full": 5900})


# ---- on disk


def disk(more="", name="next"):
    queue = f"queue: {{type: disk{', ' + more if more else ''}}}"
    if name == "next":
        return f"next: {{plugin: forward, options: {{fifo: next}}, {queue}}}"
    return f"screen: {{plugin: {name}, {queue}}}"


def segments(t, handler="next"):
    folder = t.path(f"state/queue/in/{handler}")
    return sorted((p.name for p in folder.iterdir()), key=lambda n: int(n.partition(".")[0])) if folder.exists() else []


def kill_at_once(hub):
    """The keeper and its worker."""
    worker = worker_of(hub)
    os.kill(worker, signal.SIGSTOP)
    killed(hub)
    os.kill(worker, signal.SIGKILL)
    until(lambda: gone(worker), "the worker is gone")


@test
def a_handler_may_be_away_while_its_source_goes_on(t):
    messages = [m * 5 for m in numbered(20_000)]  # 20 MB, and a log of one
    hub = t.start(yaml(disk()))
    hub.send("in", messages)
    until(lambda: hub.account_now().of("in")["accepted"] == len(messages), "all is accepted", 60)
    hub.account_now().says("in -> next", in_flight=len(messages))
    assert len(segments(t)) >= 1, segments(t)
    equal(t.reader("next").take(len(messages), 60), messages)
    hub.stop().all_delivered(len(messages))
    equal(segments(t), [])


@test
def what_a_stop_leaves_in_a_queue_on_disk_is_delivered_by_the_next_start(t):
    messages, got = numbered(6000), []
    for life in range(3):
        hub = t.start(yaml(disk()))
        hub.send("in", messages[life * 2000 : life * 2000 + 2000])
        reader = t.reader("next")
        data = reader.read_some(20_000)
        account = hub.stop()
        account.of("in"), account.of("in -> next")
        got += frames_in(data + reader.read_to_end(), incomplete=True)[0]
        reader.close()
    hub = t.start(yaml(disk()))
    hub.says("in -> next: .* messages of an earlier run wait in .*/state/queue/in/next, and come first")
    got += t.reader("next").take(len(messages) - len(got))
    equal(got, messages)
    hub.stop().says("in", accepted=0).of("in -> next")
    equal(segments(t), [])


@test
def a_queue_on_disk_survives_the_death_of_workers(t):
    messages, got, reader = numbered(8000), [], None
    hub = t.start(yaml(disk("sync: always")))
    for life in range(4):
        hub.send("in", messages[life * 2000 : life * 2000 + 2000])
        if life:
            reader = reader or t.reader("next")
            got += reader.take(500)
        os.kill(worker_of(hub), signal.SIGKILL)
        hub.says("went on after", life + 1)
    got += reader.take(len(messages) - len(got))
    equal(got, messages)
    hub.stop().all_delivered(8000)


@test
def a_queue_on_disk_survives_the_death_of_all(t):
    messages = numbered(5000)
    hub = t.start(yaml(disk()))
    hub.send("in", messages)
    until(lambda: hub.account_now().of("in -> next")["saved"] == 5000, "all is in files")
    kill_at_once(hub)
    hub = t.start(yaml(disk()))
    equal(t.reader("next").take(5000), messages)
    hub.stop().says("in", accepted=0).says("in -> next", delivered=5000)


@test
def a_full_queue_on_disk_makes_writers_wait(t):
    hub = t.start(yaml(disk("max_size: 1MiB")))
    messages = t.writer("in").fill()
    hub.says("warning.*in -> next: its queue takes no more, so messages wait in the source's log, and then its writers do: it holds all")
    assert 1500 < len(messages) < 6000, len(messages)
    queue = hub.stats()["queues"]["in -> next"]
    equal((queue["path"], queue["max_bytes"]), (str(t.path("state/queue/in/next")), 1 << 20))
    assert queue["messages"] > 500 and queue["bytes"] <= 1 << 20 and "it holds all that it may" in queue["stuck"], queue
    out, _ = t.run("stats", "--account", "--control", hub.control)
    assert "the queue in -> next in " in out.decode() and " takes no more: it holds all that it may" in out.decode(), out.decode()
    equal(t.reader("next").take(len(messages)), messages)
    hub.stop().all_delivered(len(messages))


@test
def a_full_queue_on_disk_takes_back_what_nobody_reads(t):
    hub = t.start(yaml(disk("max_messages: 1, when_full: drop_oldest")))
    for sent, message in enumerate(numbered(3), 1):
        hub.send("in", [message])
        until(lambda: hub.account_now().of("in")["accepted"] == sent and at_rest(hub) == 1, "it is the one that is left")
    equal(t.reader("next").take(1), numbered(3)[-1:])
    hub.stop().says("in", accepted=3).says("in -> next", delivered=1, dropped={"queue_full": 2})


@test
def a_full_queue_on_disk_drops_what_it_is_told_to(t):
    messages = numbered(20_000)
    for when_full in ("drop_newest", "drop_oldest"):
        hub = t.start(yaml(disk(f"max_size: 1MiB, when_full: {when_full}")))
        hub.send("in", messages)
        until(lambda: hub.account_now().of("in")["accepted"] == 20_000, "all is accepted")
        hub.says("warning.*in -> next: its queue holds all that it may, so messages are dropped .queue_full")
        left = until(lambda: at_rest(hub), "it is at rest")
        assert 2000 < left < 10_000, left
        got = t.reader("next").take(left)
        equal(got, sorted(got, key=number))
        if when_full == "drop_newest":
            equal(got[:1000], messages[:1000])
        else:
            equal(got[-1000:], messages[-1000:])
        hub.stop().says("in", accepted=20_000).says("in -> next", delivered=left, dropped={"queue_full": 20_000 - left})


@test
def a_held_handler_with_a_queue_on_disk_stands_in_nobodys_way(t):
    messages = [m * 5 for m in numbered(4000)]
    hub = t.start(yaml(ARCHIVE, disk(name="held")))
    hub.send("in", messages)
    t.until_logged("archive", messages)
    equal(hub.stats()["overflows"], {})
    hub.stop().says("in", accepted=4000).says("in -> archive", delivered=4000).says("in -> screen", in_flight=4000)
    hub = t.start(yaml(ARCHIVE, MENDED))  # no queue is configured now, and what is in it comes first all the same
    hub.send("in", numbered(10, 4000))
    t.until_logged("screen", messages + numbered(10, 4000))
    hub.stop().says("in", accepted=10).says("in -> archive", delivered=10).says("in -> screen", delivered=4010)


@test
def a_disk_that_is_full_makes_a_queue_wait_and_costs_nothing(t):
    hub = t.start(yaml(disk()))
    hub.send("in", numbered(1))
    until(lambda: segments(t), "it has a segment")
    resource.prlimit(worker_of(hub), resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
    messages = numbered(2000, 1)
    sending = t.meanwhile(hub.send, "in", messages)
    hub.says("warning.*in -> next: its queue takes no more, so messages wait in the source's log, and then its writers do: ")
    resource.prlimit(worker_of(hub), resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    hub.says("in -> next: its queue takes messages again", seconds=30)
    sending.join()
    equal(t.reader("next").take(2001), numbered(2001))
    hub.stop().all_delivered(2001)


def ends_at_once(t, handler, messages, stands_still):
    """A stop has a minute for what is to be delivered, and does not use it; the next start delivers it."""
    patient = "drain_timeout: 60s"
    hub = t.start(yaml(ARCHIVE, handler).replace("drain_timeout: 500ms", patient))
    hub.send("in", messages)
    t.until_logged("archive", messages)
    stands_still(hub)
    began = time.monotonic()
    account = hub.stop(seconds=50)
    took = time.monotonic() - began
    assert took < 10 * SLOW, f"the stop took {took:.1f} s"
    account.says("in", accepted=len(messages)).says("in -> archive", delivered=len(messages))
    delivered = account.of("in -> screen")["delivered"]
    account.says("in -> screen", in_flight=len(messages) - delivered)
    hub = t.start(yaml(ARCHIVE, MENDED))
    t.until_logged("screen", messages[delivered:])
    account = hub.stop().says("in", accepted=0).says("in -> archive", delivered=0)
    account.says("in -> screen", delivered=len(messages) - delivered)


def is_on_disk(messages):
    def wait(hub):
        until(lambda: hub.stats()["queues"]["in -> screen"]["messages"] == len(messages), "all is in the queue")

    return wait


@test
def a_stop_does_not_wait_for_a_held_handler_whose_messages_are_on_disk(t):
    messages = numbered(3000)
    ends_at_once(t, disk(name="held"), messages, is_on_disk(messages))


@test
def a_stop_does_not_wait_for_a_disconnected_handler_whose_messages_are_on_disk(t):
    messages = numbered(3000)
    away = "screen: {plugin: disconnecting, options: {failures: 1000}, queue: {type: disk}}"
    ends_at_once(t, away, messages, is_on_disk(messages))


@test
def a_stop_does_not_wait_for_a_reader_that_is_away_if_its_messages_are_on_disk(t):
    messages = numbered(3000)
    away = disk().replace("next: {", "screen: {")
    ends_at_once(t, away, messages, is_on_disk(messages))


@test
def a_stop_does_not_wait_for_a_wedged_handler_whose_messages_are_on_disk(t):
    messages = [b"hang", *numbered(3000)]
    wedged = "screen: {plugin: hanging, isolation: thread, options: {until: cured}, queue: {type: disk}}"

    def stands_still(hub):
        is_on_disk(messages)(hub)
        time.sleep(5.5)  # so long may a call take before it is taken for one that does not come back

    ends_at_once(t, wedged, messages, stands_still)


@test
def a_stop_waits_for_a_handler_that_takes_what_it_has_on_disk(t):
    messages = numbered(300)
    hub = t.start(yaml(disk(name="slow")).replace("drain_timeout: 500ms", "drain_timeout: 60s"))
    hub.send("in", messages)
    hub.stop(seconds=60).says("in", accepted=300).says("in -> screen", delivered=300)


# ---- another configuration


def reload(t, hub, yaml, status=0):
    hub.config.write_text("version: 1\n" + yaml)
    return t.run("reload", "--control", hub.control, status=status)[1]


PLAIN = "next: {plugin: forward, options: {fifo: next}}"


@test
def a_queue_on_disk_comes_and_goes_with_a_reload_and_the_order_stays(t):
    messages = numbered(4000)
    hub = t.start(yaml(PLAIN))
    hub.send("in", messages[:1000])
    until(lambda: hub.account_now().of("in -> next")["in_flight"] == 1000, "they wait for a reader")
    reload(t, hub, yaml(disk()))
    hub.send("in", messages[1000:2000])
    until(lambda: hub.account_now().of("in")["accepted"] == 2000, "all is accepted")
    reader = t.reader("next")
    got = reader.take(1500)
    hub.send("in", messages[2000:3000])
    reload(t, hub, yaml(PLAIN))
    hub.send("in", messages[3000:])
    equal(got + reader.take(2500), messages)
    hub.stop().all_delivered(4000)
    equal(segments(t), [])


@test
def a_queue_on_disk_that_is_empty_may_go_while_its_reader_stays(t):
    messages = numbered(300)
    hub = t.start(yaml(disk()))
    reader = t.reader("next")
    hub.send("in", messages[:100])
    got = reader.take(100)
    until(lambda: not segments(t), "its file is given back")
    reload(t, hub, yaml(PLAIN))
    hub.send("in", messages[100:200])
    got += reader.take(100)
    os.kill(worker_of(hub), signal.SIGKILL)
    hub.says("went on after")
    hub.send("in", messages[200:])
    equal(got + reader.take(100), messages)
    reader.close()
    hub.stop().all_delivered(300)


@test
def a_forward_whose_reader_is_away_gets_a_queue_on_disk_by_a_reload(t):
    messages = [m * 5 for m in numbered(6000)]  # 6 MB, and a log of one
    hub = t.start(yaml(PLAIN))
    hub.send("in", messages[:100])
    until(lambda: hub.account_now().of("in -> next")["in_flight"] == 100, "they wait for a reader")
    reload(t, hub, yaml(disk()))
    hub.send("in", messages[100:])
    until(lambda: hub.account_now().of("in")["accepted"] == 6000, "all is accepted", 60)
    equal(t.reader("next").take(6000, 60), messages)
    hub.stop().all_delivered(6000)


@test
def what_a_removed_handler_has_in_a_queue_on_disk_is_dead_lettered(t):
    messages = numbered(3000)
    hub = t.start(yaml(ARCHIVE, disk(name="held")))
    hub.send("in", messages)
    t.until_logged("archive", messages)
    until(lambda: hub.account_now().of("in -> screen")["in_flight"] == 3000, "all waits")
    reload(t, hub, yaml(ARCHIVE))
    until(lambda: hub.account_now().of("in -> screen")["dead_lettered"] == 3000, "all is dead-lettered")
    hub.stop().says("in", accepted=3000).says("in -> archive", delivered=3000).says("in -> screen", dead_lettered=3000)
    equal(segments(t, "screen"), [])


@test
def a_source_that_has_messages_in_a_queue_on_disk_stays(t):
    hub = t.start(yaml(disk()))
    hub.send("in", numbered(100))
    until(lambda: segments(t), "they are on the disk")
    said = reload(t, hub, yaml(disk()).replace("in: {fifo: in,", "other: {fifo: other,").replace("from: in", "from: other"), status=1)
    assert "in" in said and "disk" in said, said
    equal(t.reader("next").take(100), numbered(100))
    hub.stop().all_delivered(100)


@test
def what_nobody_has_a_route_for_stays_in_its_queue_and_is_said(t):
    hub = t.start(yaml(disk()))
    hub.send("in", numbered(100))
    hub.stop().says("in", accepted=100).says("in -> next", in_flight=100)
    other = t.start(yaml(ARCHIVE))
    other.says("warning.*/state/queue/in/next has messages of source in for handler next, and no route leads from one to the other: they stay there")
    other.stop()
    hub = t.start(yaml(disk()))
    equal(t.reader("next").take(100), numbered(100))
    hub.stop().says("in", accepted=0).says("in -> next", delivered=100)
