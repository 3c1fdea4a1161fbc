# SPDX-License-Identifier: Apache-2.0
"""The tests' own tools notice what they are there to notice."""

import os
import signal

from kit import Account, equal, frames_in, stream, test
from journey_test import LOG


def refused(function, *arguments, because):
    try:
        function(*arguments)
    except AssertionError as e:
        assert because in str(e), e
        return
    raise SystemExit(f"nobody noticed: {because}")


def account(**changes):
    delivery = {"matched": 3, "unmatched": 0, "delivered": 3, "filtered": 0, "dropped": {}, "dead_lettered": 0, "in_flight": 0} | changes
    source = {"accepted": 3, "matched": 3, "unmatched": 0, "bytes": 21, "bad_frame": 0, "truncated": 0, "discarded_bytes": 0, "above_match_max": 0, "too_long_for_patterns": 0}
    return Account({"closes": True, "sources": {"in": source}, "deliveries": [{"source": "in", "handler": "out"} | delivery]})


@test
def an_account_that_does_not_add_up_is_refused_whatever_it_says_of_itself(t):
    refused(lambda: account(delivered=2), because="what came to 'in -> out'")
    refused(lambda: account(delivered=2, in_flight=1).all_delivered(3), because="the account of 'in -> out'")
    refused(lambda: account(delivered=2, dropped={"shutdown": 1}).all_delivered(3), because="the account of 'in -> out'")
    refused(lambda: account().all_delivered(4), because="accepted by in")
    equal(account().says("in", accepted=3).unasserted(), ["in -> out"])
    equal(account().all_delivered(3).unasserted(), [])


@test
def a_hub_that_crashes_is_not_taken_for_one_that_ended(t):
    hub = t.start(LOG)
    os.kill(hub.process.pid, signal.SIGKILL)
    refused(hub.wait, because="exit status of hub")


@test
def a_hub_that_says_bug_is_in_trouble(t):
    hub = t.start(LOG)
    with (t.folder / "hub.stderr").open("a") as stderr:
        stderr.write("bug: 1 == 2\n")
    refused(hub.stop, because="in trouble: bug:")


@test
def a_hub_whose_account_nobody_asserted_fails_its_test(t):
    hub = t.start(LOG)
    hub.send("in", [b"one"])
    refused(t.check, because="hub was never stopped")
    hub.stop()
    refused(t.check, because="nobody asserted the account of in, in -> out")
    hub.account.all_delivered(1)


@test
def a_truncated_stream_is_refused(t):
    equal(frames_in(stream([b"", b"two"])), [b"", b"two"])
    refused(frames_in, stream([b"one"])[:-1], because="6 bytes after 0 frames")
    equal(frames_in(stream([b"one", b"two"])[:-1], incomplete=True), ([b"one"], stream([b"two"])[:-1]))
