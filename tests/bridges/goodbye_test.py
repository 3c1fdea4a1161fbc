# SPDX-License-Identifier: Apache-2.0
"""A hub that stops has told the other side what it has: nothing comes again at the next start."""

import pairs

MESSAGES = 1000


@pairs.test_for_each(pairs.ALL, "what {} brought does not come again after a stop", seconds=120)
def stops_and_goes_on(t, bridge):
    """Messages go by a handler, and come back by a source, whose hub is stopped as soon as they are logged."""
    near, far = pairs.two_hubs(t, bridge)
    near = t.start(near)
    expected = []
    for round in range(3):
        messages = [b"%d of %d" % (n, round) for n in range(MESSAGES)]
        expected += messages
        hub = t.start(far)
        near.send("in", messages)
        t.until_logged("log", sorted(expected) if bridge is pairs.sqs else expected, seconds=60)
        hub.stop(seconds=60).all_delivered(MESSAGES)
    near.stop(seconds=60).all_delivered(len(expected))
    got = t.frames("log")
    if bridge is pairs.sqs:  # which promises no order
        got, expected = sorted(got), sorted(expected)
    assert got == expected, f"{len(got)} messages instead of {len(expected)}"
