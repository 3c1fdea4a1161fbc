# SPDX-License-Identifier: Apache-2.0
"""The harness itself: the judgement finds what is wrong, and the killer kills where it was told to."""

import os
import signal
import subprocess
import sys

import judge
from judge import Wrong
from figures import grown
from killer import Killer, children_of, compile_into
from kit import equal, test, until
from messages import Messages
from numbered import AtOneOf, InOrder, Numbered, number_of
from scenario import Run

SENT = [judge.mark(m) for m in Messages("a", 300)]


def refuses(function, *arguments, **options):
    try:
        result = function(*arguments, **options)
    except Wrong as why:
        return str(why)
    raise AssertionError(f"it was not found: {result}")


@test
def a_recorders_line_may_be_torn_at_a_page_of_its_file_only(t):
    line = "a %d 128 29572dcf\n"
    whole = "".join(line % i for i in range(1000, 1300))  # of 20 bytes each
    cut = judge.PAGE - judge.PAGE % 20
    truncated = whole[: judge.PAGE] + whole[cut:]
    equal(judge.recorded(truncated), judge.recorded(whole))
    for elsewhere in (whole[: judge.PAGE - 1] + whole[cut:], whole[: judge.PAGE + 3] + whole[cut:]):
        refuses(judge.recorded, elsewhere)


@test
def a_truncated_line_is_a_beginning_of_one_that_came_and_one_a_kill(t):
    whole = lambda line: line in (b"first", b"second")
    equal(judge.lines("x", b"first\nsec\nsecond\n", 1, whole), [b"first", b"second"])
    refuses(judge.lines, "x", b"first\nsec\nsecond\n", 0, whole)
    refuses(judge.lines, "x", b"first\nsec\n", 1, whole)
    refuses(judge.lines, "x", b"first\nthird\nsecond\n", 1, whole)
    refuses(judge.lines, "x", b"first\nsec", 1, whole)


@test
def what_arrives_as_it_was_sent_has_no_repeats(t):
    equal(judge.replays("log", SENT, SENT), [])


@test
def a_lost_message_is_found_wherever_it_is(t):
    for i in range(len(SENT)):
        if SENT[i : i + 1] != SENT[i + 1 : i + 2]:
            assert "missing" in refuses(judge.replays, "log", SENT[:i] + SENT[i + 1 :], SENT), i


@test
def messages_that_changed_places_are_found(t):
    for i in range(len(SENT) - 1):
        if SENT[i] != SENT[i + 1]:
            refuses(judge.replays, "log", SENT[:i] + [SENT[i + 1], SENT[i]] + SENT[i + 2 :], SENT)


@test
def a_foreign_message_is_found(t):
    refuses(judge.replays, "log", SENT[:100] + [judge.mark(b"foreign")] + SENT[100:], SENT)


@test
def a_batch_that_comes_again_is_counted_wherever_it_was_cut(t):
    for cut in range(1, len(SENT)):
        for size in (1, 2, 9, 100):
            again = judge.replays("log", SENT[:cut] + SENT[max(0, cut - size) :], SENT)
            equal(len(again), 1, f"{size} before {cut}")
            equal(again[0] <= min(size, cut), True, f"{size} before {cut}")


@test
def a_repeat_that_was_itself_cut_counts_twice(t):
    equal(judge.replays("log", SENT[:200] + SENT[150:180] + SENT[150:], SENT), [50, 30])


@test
def exactly_once_means_no_repeat(t):
    refuses(judge.once_in_order, "forward", SENT[:50] + SENT[45:], SENT)


@test
def more_than_a_batch_again_is_found(t):
    long = [judge.mark(m) for m in Messages("a", 3000, large=False)]
    refuses(judge.replays, "log", long[:2500] + long[2500 - judge.BATCH_MAX - 20 :], long)


@test
def a_run_leaves_no_descriptor_behind(t):  # or select, which knows 1,024, fails after a thousand runs
    count = lambda: len(os.listdir("/proc/self/fd"))
    before = count()
    for number in range(2):
        folder = t.path(f"run {number}")
        folder.mkdir()
        run = Run(folder, 20)
        run.start()
        run.feed()
        run.wait_for_all()
        run.stop()
        equal(run.judge(), [], "faults")
        equal(count(), before, f"descriptors after run {number + 1}")


def record(i, payload):
    return b"a %d %d %s\n" % (i, len(payload), payload)


@test
def a_truncated_record_of_print_is_counted_and_must_be_redelivered(t):
    whole = record(1, b"one") + record(2, b"two")
    for cut in range(1, len(record(2, b"two"))):
        marks, truncated = judge.printed(record(1, b"one") + record(2, b"two")[:cut] + whole, kills=1)
        equal((truncated, [n for n, _ in marks["a"]]), (1, [1, 1, 2]), f"cut at {cut}")


@test
def a_truncated_record_of_print_without_a_kill_is_found(t):
    assert "truncated" in refuses(judge.printed, b"a 2 3 t" + record(1, b"one"), 0)
    assert "truncated" in refuses(judge.printed, record(1, b"one") + b"a 2 3 tw", 1)
    assert "truncated" in refuses(judge.printed, record(1, b"one") + b"a 2 3 tw\n" + record(2, b"two"), 1)


# ---- runs without an end

NUMBERED = Numbered("m", traps=True)


def order_of(numbers, **options):
    order = InOrder("log", **options)
    for i in numbers:
        order.came(i)
    return order


@test
def a_number_that_is_missing_is_found_and_one_that_is_left_out_is_not_missed(t):
    assert "5000 is missing" in refuses(order_of, [*range(5000), 5001])
    equal(order_of([*range(5000), *range(5001, 5010)], leaves_out=NUMBERED.is_trap).has_all(5010), True)
    equal(order_of(range(10)).has_all(11), False)


@test
def a_number_that_comes_again_is_found_where_it_may_not(t):
    refuses(order_of, [0, 1, 2, 1], again=1)
    equal(order_of([0, 1, 2, 1, 2, 3], again=2).repeats, 1)


@test
def a_number_that_comes_at_two_places_or_out_of_order_at_one_is_found(t):
    def places_of(numbers):
        all_places = AtOneOf(["near", "far"])
        for name, i in numbers:
            all_places.at(name).came(i)
        return all_places

    whole = places_of([("near", 0), ("far", 1), ("near", 2)])
    equal((whole.has_all(3), whole.has_all(4), whole.text()), (True, False, "2 to near, 1 to far"))
    assert "far: 0 came at another place, too" in refuses(places_of, [("near", 0), ("far", 0)])
    assert "near: 1 came after 2" in refuses(places_of, [("near", 2), ("far", 0), ("near", 1)])


@test
def a_gap_is_counted_where_it_may_be_and_only_there(t):
    order = order_of([7, 8], may_have_gap=True)
    equal((order.missing, order.next), (7, 9))
    refuses(order.came, 10)


@test
def a_message_with_a_wrong_byte_is_found(t):
    for payload in (NUMBERED[17], NUMBERED[5000]):
        equal(number_of(payload, NUMBERED, "log"), int(payload[1:10]))
        for at in (0, 5, len(payload) - 1):
            refuses(number_of, payload[:at] + b"~" + payload[at + 1 :], NUMBERED, "log")
    refuses(number_of, NUMBERED[17][5:], NUMBERED, "log")


@test
def traps_are_counted_as_they_are_sent(t):
    for end in (0, 5000, 5001, 105_000, 105_001):
        equal(NUMBERED.traps_before(end), sum(map(NUMBERED.is_trap, range(end))), f"before {end}")


@test
def what_grows_from_the_first_quarter_to_the_last_is_found(t):
    flat = [10 << 20, 20, 1, 30 << 20, 30, 4, 2 << 20]
    equal(grown([flat] * 40), [])
    for i in range(len(flat)):
        leak = [[n + (k * (1 << 20) if n > 1000 else k) * (j == i) for j, n in enumerate(flat)] for k in range(40)]
        equal(len(grown(leak)), 1, f"column {i}")


# ---- the killer: on a program that waits, then writes one byte a call from two threads in turn

VICTIM = """
import os, signal, sys, threading
out = os.open("out", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def write_from(threads):
    for i in range(20): os.write(out, b"x")
    if threads:
        t = threading.Thread(target=write_from, args=(threads - 1,)); t.start(); t.join()
def work():
    os.symlink("it does", "waiting")  # one call, and none that is counted
    signal.sigwait({signal.SIGUSR1})
    write_from(3)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
"""
KEEPER = VICTIM + """
for i in range(3):
    child = os.fork()
    if child == 0: work(); os._exit(0)
    os.waitpid(child, 0)
"""


class Victim:
    def __init__(self, t, program=VICTIM + "work()"):
        self.t, self.killer_program = t, compile_into(t.folder)
        self.process = subprocess.Popen([sys.executable, "-c", program], cwd=t.folder)
        self.wait()

    def wait(self):
        until(lambda: self.t.path("waiting").is_symlink(), "it waits")
        self.t.path("waiting").unlink()

    def watch(self, *what, worker=None):
        self.worker = worker or self.process.pid
        self.killer = Killer(self.killer_program, self.process.pid, self.worker, *what)
        return self

    def work(self):
        os.kill(self.worker, signal.SIGUSR1)
        return self

    def end(self):
        """(how much it had written, what the killer said)"""
        self.process.wait(10)
        return self.t.size("out"), self.killer.end()


@test
def a_kill_before_a_call_comes_before_it_and_one_after_it_after(t):
    sizes = {}
    for when in ("before", "after"):
        t.path("out").unlink(missing_ok=True)
        sizes[when], said = Victim(t).watch("--at", "60", "--when", when).work().end()
        assert said.startswith(f"killed {when} call 60"), said
    equal(sizes["after"], sizes["before"] + 1)
    assert 20 < sizes["before"] < 60, "in a thread that was made while it was watched"


@test
def a_kill_some_instructions_after_a_call_comes_before_the_next_one(t):
    after, _ = Victim(t).watch("--at", "60", "--when", "after").work().end()
    t.path("out").unlink()
    stepped, said = Victim(t).watch("--at", "60", "--when", "after", "--step", "50").work().end()
    assert "stepped" in said, said
    equal(stepped, after)
    t.path("out").unlink()
    far, _ = Victim(t).watch("--at", "60", "--when", "after", "--step", "100000").work().end()
    assert far > after, "100,000 instructions of Python reach the next call"


@test
def who_only_counts_kills_nobody(t):
    victim = Victim(t).watch("--count").work()
    size, said = victim.end()
    equal((size, victim.process.returncode), (80, 0))
    assert "80 write" in said, said


@test
def a_point_that_is_not_reached_kills_nobody(t):
    size, said = Victim(t).watch("--at", "100000", "--when", "after").work().end()
    equal(size, 80)
    assert said.startswith("ended after "), said


@test
def a_stopped_process_stays_stopped_and_continues(t):
    victim = Victim(t).watch("--count")
    victim.process.send_signal(signal.SIGSTOP)
    until(lambda: state_of(victim.worker) in "Tt", "it is stopped")
    victim.work()
    until(lambda: state_of(victim.worker) in "Tt", "it is still stopped")
    equal(t.size("out"), 0)
    victim.process.send_signal(signal.SIGCONT)
    equal(victim.end()[0], 80)


def state_of(pid):
    return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0]


@test
def the_keepers_next_child_is_killed_as_well(t):
    victim = Victim(t, KEEPER)
    (first,) = children_of(victim.process.pid)
    victim.watch("--at", "30,1", "--when", "before", worker=first).work()
    until(lambda: children_of(victim.process.pid) not in ([], [first]), "the next child")
    until(lambda: third_waits(victim, t), "the third one waits")
    size, said = victim.end()
    equal(said.count("killed before"), 2, said)


def third_waits(victim, t):
    """The first two were killed; the third is told to work."""
    if not t.path("waiting").is_symlink():
        return False
    for child in children_of(victim.process.pid):
        os.kill(child, signal.SIGUSR1)
    return True
