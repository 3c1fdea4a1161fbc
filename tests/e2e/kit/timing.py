# SPDX-License-Identifier: Apache-2.0
"""Waiting with a deadline, and comparing with a message. Nothing here or in a test sleeps for a time and hopes."""

import os
import time

# How much slower than usual the hub is: sanitizers, valgrind.
SLOW = float(os.environ.get("STANDPIPE_TEST_SLOW", "1"))


def until(condition, what, seconds=20):
    """Returns what `condition` returns, as soon as that is true."""
    deadline = time.monotonic() + seconds * SLOW
    pause = 0.002
    while True:
        late = time.monotonic() > deadline  # looked at first, so that a stalled machine gets its last look
        result = condition()
        if result:
            return result
        if late:
            raise AssertionError(f"not within {seconds * SLOW:g} s: {what}")
        time.sleep(pause)
        pause = min(pause * 1.2, 0.02)  # a look may cost the hub more than a while of waiting costs the test


def equal(actual, expected, what=""):
    if actual == expected:
        return
    raise AssertionError(f"{what or 'compared'}: {difference(actual, expected)}")


def difference(actual, expected):
    if type(actual) is type(expected) and isinstance(actual, (list, bytes, str)):
        at = next((i for i, (a, b) in enumerate(zip(actual, expected)) if a != b), min(len(actual), len(expected)))
        return (
            f"{len(actual)} long, expected {len(expected)}; they differ from {at} on:"
            f"\n  actual    {shortened(actual[at : at + 80])}\n  expected  {shortened(expected[at : at + 80])}"
        )
    return f"\n  actual    {shortened(actual)}\n  expected  {shortened(expected)}"


def shortened(value):
    text = repr(value)
    return text if len(text) < 400 else text[:400] + "..."
