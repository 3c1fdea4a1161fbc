# SPDX-License-Identifier: Apache-2.0
"""The keeper of a hub is killed, and nothing else is: its worker notices, writes to the disk what is in memory, and ends. The next
start of the hub goes on from there, whichever side of a bridge it was."""

import pairs
from kit import equal, frames_in, until
from peer_programs import end_by_killing_the_keeper

MESSAGES = 3000
# What comes again after the two deaths. Of the sending side: what was sent and not acknowledged, which is at most its window
# (pairs.py; nanomsg: one request of at most 2,048). Of the other: what had come and was not acknowledged.
REPEATS = {
    "rabbitmq": 500 + 200,
    "kafka": 500 + MESSAGES,  # offsets are committed ten times a second, in which all may have come
    "nats": 500 + 500,  # of which a stream drops what the same run of a hub publishes twice
    "sqs": 100 + 110,
    "unix": 2 * 500,
    "zeromq": 2 * (500 + 256),  # and a batch
    "nanomsg": 2 * 2048,
}


def logged(t):
    return frames_in(t.path("log").read_bytes(), incomplete=True)[0] if t.path("log").exists() else []


@pairs.test_for_each(pairs.ALL, "hubs that {} joins lose nothing when their keepers are killed", seconds=180)
def loses_nothing(t, bridge):
    near, far = pairs.two_hubs(t, bridge)
    messages = [b"message %d" % n for n in range(MESSAGES)]
    sending = t.start(near)
    sending.send("in", messages)
    until(lambda: sending.account_now().of("in")["accepted"] == MESSAGES, "the hub has them")
    end_by_killing_the_keeper(sending)
    receiving = t.start(far)
    sending.start()
    until(lambda: logged(t), "some have come", 40)
    end_by_killing_the_keeper(receiving)
    receiving.start()
    until(lambda: set(logged(t)) == set(messages), "all have come", 60)
    until(lambda: sending.account_now().of("in -> out")["in_flight"] == 0, "all are acknowledged", 40)
    until(lambda: receiving.account_now().of("back -> log")["in_flight"] == 0, "all are written")
    for hub in (sending, receiving):
        account = hub.stop(seconds=40)
        for part in account.parts:
            account.of(part)
    got = t.frames("log")
    equal(set(got), set(messages))
    if bridge not in (pairs.sqs, pairs.nats):  # of nats, what is redelivered comes after what came meanwhile
        equal(list(dict.fromkeys(got)), messages, "in their order")
    repeats = len(got) - MESSAGES
    assert repeats <= REPEATS[bridge.__name__], f"{repeats} repeats"
    print(f"{repeats} repeats")
