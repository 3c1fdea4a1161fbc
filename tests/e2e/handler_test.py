# SPDX-License-Identifier: Apache-2.0
"""A person holds a handler of a running hub, releases it, and lets it pass a message, without a restart."""

import json
import os
import signal

from kit import equal, test, until
from spill_test import numbered, worker_of

BESIDE = """
data_dir: state
drain_timeout: 2s
sources: {in: {fifo: in%s}}
handlers: {one: {plugin: %s}, two: {plugin: log, options: {path: two, format: frames}}}
routes: [{from: in, to: [one, two]}]
"""
LOG = "log, options: {path: one, format: frames}"


def asks(t, hub, *words, status=0):
    out, err = t.run("handler", *words, "--control", hub.control, status=status)
    return out.decode() + err


def handlers(t, hub):
    return {h["handler"]: h for h in map(json.loads, asks(t, hub, "list", "--json").splitlines())}


@test
def a_handler_is_held_and_released_and_gets_all_in_order(t):
    hub = t.start(BESIDE % ("", LOG))
    messages = numbered(300)
    hub.send("in", messages[:100])
    t.until_logged("one", messages[:100])
    assert "one is held: it gets no message until `standpipe handler retry one`" in asks(t, hub, "hold", "one")
    hub.send("in", messages[100:200])
    t.until_logged("two", messages[:200])
    equal(t.frames("one"), messages[:100])
    one = handlers(t, hub)["one"]
    equal((one["state"], one["in_flight"], one["saved"], one["reason"]), ("held", 100, 0, "held by a person"))
    os.kill(worker_of(hub), signal.SIGKILL)
    hub.says("went on after")
    hub.send("in", messages[200:])
    t.until_logged("two", messages)
    equal(handlers(t, hub)["one"]["state"], "held")
    equal(t.frames("one"), messages[:100])
    assert json.loads(asks(t, hub, "retry", "one", "--json"))["text"].startswith("one is released")
    t.until_logged("one", messages)
    equal(t.frames("one"), messages)
    equal(handlers(t, hub)["one"]["state"], "ready")
    hub.stop().all_delivered(300)


@test
def a_held_handler_is_let_pass_the_message_that_it_is_held_at(t):
    hub = t.start(BESIDE % ("", "held, options: {at: 3}"))
    hub.send("in", numbered(5))
    t.until_logged("two", numbered(5))
    for skipped in (3, 4):
        until(lambda: handlers(t, hub)["one"]["state"] == "held", "it is held")
        hub.says(f"error: one is held: held at message 3", skipped - 2)
        said = asks(t, hub, "skip", "one")
        assert f"one is released behind message {skipped} of in, which is among the dead letters (skipped)" in said, said
    out, _ = t.run("dead", "list", "--json", "--control", hub.control)
    equal([(d["sequence"], d["reason"]) for d in map(json.loads, out.splitlines())], [(3, "skipped"), (4, "skipped")])
    until(lambda: handlers(t, hub)["one"]["state"] == "held", "it is held once more")
    account = hub.stop().says("in", accepted=5).says("in -> two", delivered=5)
    account.says("in -> one", delivered=2, dead_lettered=2, dead_letters={"skipped": 2}, in_flight=1, saved=1)


@test
def a_handler_whose_messages_lie_on_the_disk_is_released_and_gets_them_first(t):
    hub = t.start(BESIDE % (", log: {max_size: 64KiB}", LOG))
    messages = numbered(3000)
    asks(t, hub, "hold", "one")
    hub.send("in", messages)
    t.until_logged("two", messages)
    saved = handlers(t, hub)["one"]["saved"]
    assert saved > 2000
    assert asks(t, hub, "retry", "one").startswith("one is released")
    t.until_logged("one", messages)
    equal(t.frames("one"), messages)
    equal(handlers(t, hub)["one"]["saved"], 0)
    hub.stop().all_delivered(3000)


@test
def mistakes_name_the_handlers_that_there_are(t):
    hub = t.start(BESIDE % ("", LOG))
    assert "there is no handler 'thre' (handlers: one, two)" in asks(t, hub, "retry", "thre", status=1)
    assert "one is not held: it is ready" in asks(t, hub, "retry", "one", status=1)
    assert "one is not held: it is ready" in asks(t, hub, "skip", "one", status=1)
    asks(t, hub, "hold", status=2)
    assert asks(t, hub, "list").startswith("HANDLER")
    hub.stop().all_delivered(0)
