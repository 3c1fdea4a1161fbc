# SPDX-License-Identifier: Apache-2.0
"""`standpipe stats`: the account of a running hub, by a control socket that only its user can open."""

import json
import os
import re
import signal
import stat

from kit import equal, process, test, until
from journey_test import LOG

HELD = """
drain_timeout: 1s
sources: {in: {fifo: in}}
handlers:
  out: {plugin: log, options: {path: out, format: frames}}
  stubborn: {plugin: held}
routes: [{from: in, to: [out, stubborn]}]
"""


def stop(hub, accepted):
    hub.stop().all_delivered(accepted)


@test
def stats_shows_the_account_of_a_running_hub(t):
    hub = t.start(LOG)
    hub.send("in", [b"one", b"two"])
    t.until_logged("out", [b"one", b"two"])
    until(lambda: hub.account_now().of("in -> out")["in_flight"] == 0, "all is delivered")
    hub.account_now().all_delivered(2)
    out, err = t.run("stats", "--control", hub.control)
    equal(err, "")
    first, *account = out.decode().splitlines()
    assert re.fullmatch(rf"running since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{{4}}, process {hub.process.pid}, {re.escape(str(hub.config))}", first), first
    stop(hub, 2)
    assert "".join(a + "\n" for a in account) in hub.stderr(), "stats and the account at the end are not alike"


@test
def stats_tells_what_waits_and_which_handler_stands_still(t):
    hub = t.start(HELD)
    hub.send("in", [b"one", b"two"])
    hub.says("stubborn is held")
    until(lambda: hub.stats()["handlers"]["stubborn"]["state"] == "held", "stats says that stubborn is held")
    until(lambda: hub.account_now().of("in -> out")["delivered"] == 2, "the other handler goes on")
    hub.account_now().says("in -> stubborn", in_flight=2)
    out, _ = t.run("stats", "--control", hub.control)
    assert out.decode().endswith("\n  handler stubborn is held: held at message 1\n"), out.decode()
    hub.stop().says("in", accepted=2).says("in -> out", delivered=2).says("in -> stubborn", in_flight=2)


@test(seconds=90)
def a_call_that_does_not_come_back_is_said_and_shown(t):
    hub = t.start("""
drain_timeout: 1s
sources: {in: {fifo: in}}
handlers: {bad: {plugin: slow, options: {delay: 1h}}}
routes: [{from: in, to: bad}]
""")
    hub.send("in", [b"one"])
    until(lambda: hub.stats()["handlers"]["bad"].get("in_call_ms", 0) > 0, "it is in a call")
    equal(hub.stats()["handlers"]["bad"]["in_call"], "handle")
    hub.says(r"bad: its plugin has been in one call of handle for \d+s, with 1 message of in from number 1 on", seconds=30)
    account = hub.stop().says("in", accepted=1)
    account.says("in -> bad", in_flight=1)


@test
def stats_json_is_one_line_with_one_object(t):
    hub = t.start(LOG)
    out, _ = t.run("stats", "--json", "--control", hub.control)
    said = json.loads(out)
    equal(out.count(b"\n"), 1)
    equal(said["file"], str(hub.config))
    assert said["closes"] and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", said["since"]), said
    stop(hub, 0)


@test
def without_a_hub_stats_says_so_and_how_to_start_one(t):
    hub = t.start(LOG)
    stop(hub, 0)
    assert not hub.control.exists(), "the control socket outlives its hub"
    _, err = t.run("stats", "--control", hub.control, status=1)
    assert f"error: no hub answers at {hub.control}\n  help: start one: standpipe run CONFIG" in err, err


@test
def the_control_socket_is_its_users_alone_and_named_when_ready(t):
    hub = t.hub(LOG, control=t.path("made/control"), umask=0).launch()
    hub.says(rf"^info  ready in \d+ ms, control socket {re.escape(str(hub.control))}$")
    equal(stat.S_IMODE(hub.control.stat().st_mode), 0o600)
    stop(hub, 0)


@test
def a_named_control_socket_that_is_taken_is_an_error(t):
    hub = t.start(LOG)
    said = t.hub(LOG.replace("fifo: in", "fifo: in2"), control=hub.control).fails_to_start()
    assert f"error: another hub has the control socket {hub.control}\n" in said, said
    equal(hub.stats()["file"], str(hub.config))
    stop(hub, 0)


@test
def several_hubs_of_one_user_each_have_a_control_socket(t):
    first = t.start(LOG, control=None)
    equal(json.loads(t.run("stats", "--json")[0])["file"], str(first.config))
    second = t.hub(LOG.replace("fifo: in", "fifo: in2").replace("path: out", "path: out2"), control=None).start()
    for hub in (first, second):
        equal(json.loads(t.run("stats", hub.config, "--json")[0])["file"], str(hub.config))
    _, err = t.run("stats", status=1)
    assert re.search(r"2 hubs run: .*/control-\S+-[0-9a-f]{8}, .*/control-\S+-[0-9a-f]{8}\n  help: say which: ", err), err
    stop(second, 0)
    equal(json.loads(t.run("stats", "--json")[0])["file"], str(first.config))
    stop(first, 0)


@test
def instances_of_a_service_have_folders_of_their_own_and_are_found_by_their_configuration(t):
    service = lambda name: {"env": process.environment(t.folder) | {"RUNTIME_DIRECTORY": str(t.path(f"standpipe/{name}"))}}
    for name in ("a", "b"):
        t.path(f"standpipe/{name}").mkdir(parents=True, mode=0o700)
    hubs = [t.start(LOG, control=None, **service("a"))]
    hubs += [t.start(LOG.replace("fifo: in", "fifo: in2").replace("path: out", "path: out2"), control=None, **service("b"))]
    for hub in hubs:
        equal(json.loads(t.run("stats", hub.config, "--json")[0])["file"], str(hub.config))
    for hub in hubs:
        stop(hub, 0)


@test
def places_that_were_tried_are_named(t):
    _, err = t.run("stats", status=1)
    for place in (f"{t.folder}/standpipe/control*", f"/run/user/{os.geteuid()}/standpipe/control*", "/run/standpipe/control*"):
        assert place in err, err
    _, err = t.run("stats", "nothing.yaml", status=1)
    assert re.search(r"no hub answers at .*/standpipe/control-nothing-[0-9a-f]{8}, ", err), err


@test
def what_a_killed_hub_left_is_replaced(t):
    hub = t.start(LOG)
    for pid in reversed(hub.pids()):  # the worker too, stopped first: it would see its keeper's death, and end well
        os.kill(pid, signal.SIGSTOP)
    for pid in hub.pids():
        os.kill(pid, signal.SIGKILL)
    equal(hub.wait_status(10), -signal.SIGKILL)
    assert hub.control.exists()
    hub.launch().says(r"\bready\b", count=2)
    equal(hub.stats()["file"], str(hub.config))
    stop(hub, 0)


@test
def another_user_is_refused(t):
    if os.geteuid() != 0:
        return
    hub = t.start(LOG, control=t.path("open/control"))
    for path in (t.folder, hub.control.parent):
        path.chmod(0o755)
    program = process.program_for_anyone(t.folder)
    asking = process.spawn([program, "stats", "--control", hub.control], user=process.NOBODY, stderr=-1)
    _, err = asking.communicate(timeout=20)
    equal((asking.returncode, b"only the user that runs the hub, and root, may ask it" in err), (1, True), err.decode())
    stop(hub, 0)


@test
def many_may_ask_while_messages_pass(t):
    hub = t.start(LOG)
    messages = [b"x" * 100] * 20_000
    sending = t.meanwhile(hub.send, "in", messages)
    asking = [t.meanwhile(lambda: [hub.account_now() for _ in range(15)]) for _ in range(4)]
    for thread in [sending, *asking]:
        thread.join()
    t.until_logged("out", messages)
    stop(hub, len(messages))


@test
def a_control_socket_and_a_lock_that_a_cleaner_took_are_made_again(t):
    hub = t.start("data_dir: state\n" + LOG)
    hub.control.unlink()
    t.path("state/lock").unlink()
    hub.says("the control socket .* was removed; it is made again")
    until(lambda: t.path("state/lock").exists(), "the lock's file is written again")
    equal(t.path("state/lock").read_text(), f"{hub.process.pid}\n")
    hub.stats()
    os.kill(hub.pids()[-1], signal.SIGKILL)
    hub.says("went on after")
    hub.stats()
    stop(hub, 0)
    assert not hub.control.exists()


@test
def a_second_hub_does_not_start_beside_the_first_though_the_lock_was_deleted(t):
    first = t.start("data_dir: state\n" + LOG)
    t.path("state/lock").unlink()
    said = t.hub("data_dir: state\n" + LOG.replace("fifo: in", "fifo: other")).fails_to_start()
    assert "another hub" in said and "uses" in said, said
    stop(first, 0)


@test
def a_data_folder_that_was_removed_is_made_and_locked_again(t):
    first = t.start("data_dir: state\n" + LOG)
    t.path("state").rename(t.path("aside"))
    first.says("state was removed or replaced; what was in it is gone from there, and it is used anew")
    said = t.hub("data_dir: state\n" + LOG.replace("fifo: in", "fifo: other")).fails_to_start()
    assert f"another hub (process {first.process.pid}) uses {t.path('state')}" in said, said
    stop(first, 0)
