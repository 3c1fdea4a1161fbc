# SPDX-License-Identifier: Apache-2.0
"""`standpipe stats`: the account of a running hub, by a control socket that only its user can open."""

import fcntl
import json
import os
import re
import signal
import stat
import struct
import termios
import time

from kit import equal, process, test, until
from kit.mounts import only_hubs_of_this_test
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
    out, err = t.run("stats", "--account", "--control", hub.control)
    equal(err, "")
    first, *account = out.decode().splitlines()
    assert re.fullmatch(rf"running since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{{4}}, process {hub.process.pid}, {re.escape(str(hub.config))} \(loaded \d\d:\d\d:\d\d, unchanged on disk\); the loop's longest round took \d+\.\d{{3}} ms, at \d\d:\d\d:\d\d", first), first
    stop(hub, 2)
    assert "".join(a + "\n" for a in account) in hub.stderr(), "stats and the account at the end are not alike"


def at_a_glance(t, hub, *words):
    out, err = t.run("stats", "--control", hub.control, *words)
    equal(err, "")
    return out.decode().splitlines()


@test
def stats_is_a_table_with_rates_and_what_waits(t):
    hub = t.start(HELD)
    hub.send("in", [b"%d" % i for i in range(50)])
    hub.says("stubborn is held")
    until(lambda: hub.account_now().of("in -> out")["delivered"] == 50, "the other handler has all")
    sending = t.meanwhile(lambda: [(hub.send("in", [b"x"]), time.sleep(0.01)) for _ in range(100)])
    running, account, heading, *rows, note = at_a_glance(t, hub, "--interval", "500ms")
    sending.join()
    assert re.fullmatch(rf"running   since \d\d:\d\d, {re.escape(str(hub.config))} \(unchanged on disk\)", running), running
    assert re.fullmatch(r"account   [\d,]+ = delivered [\d,]+ \+ in flight [\d,]+", account), account
    equal(heading.split(), ["SOURCE", "HANDLER", "IN/s", "OUT/s", "LAG", "AGE", "P50", "P99", "DROP", "DEAD"])
    equal([row.split()[:2] for row in rows], [["in", "out"], ["in", "stubborn"]])
    out, stubborn = (row.split() for row in rows)
    assert float(out[2]) > 5 and float(out[3]) > 5, rows
    assert float(stubborn[2]) > 5 and stubborn[3] == "0" and int(stubborn[4]) >= 50, rows
    assert re.fullmatch(r"\d+(ms|s|m)", stubborn[5]) and out[8:] == ["0", "0"], rows
    assert all(re.fullmatch(r"[\d.]+(us|ms|s)", took) for took in out[6:8]) and stubborn[6:8] == ["-", "-"], rows
    of = {d["handler"]: d["latency"] for d in json.loads(t.run("stats", "--json", "--control", hub.control)[0])["deliveries"]}
    assert of["stubborn"] is None and 0 < of["out"]["p50_ns"] <= of["out"]["p99_ns"] < 10e9, of
    equal(note, "handler stubborn is held: held at message 1")
    hub.config.write_text(hub.config.read_text() + "# another line\n")
    os.utime(hub.config, (time.time() + 5, time.time() + 5))
    assert "written to since" in at_a_glance(t, hub, "--interval", "0s")[0]
    hub.config.unlink()
    assert "(no longer there)" in at_a_glance(t, hub, "--interval", "0s")[0]
    hub.stop().says("in", accepted=150).says("in -> out", delivered=150).says("in -> stubborn", in_flight=150)


@test
def stats_watched_is_a_table_each_time_or_an_object_a_line(t):
    hub = t.start(LOG)
    hub.send("in", [b"one", b"two"])
    t.until_logged("out", [b"one", b"two"])
    watching = process.spawn([process.program(), "stats", "--watch", "--interval", "100ms", "--control", hub.control], stdout=-1)
    tables = [[watching.stdout.readline().decode() for _ in range(5)] for _ in range(3)]
    watching.send_signal(signal.SIGINT)
    equal(watching.wait(10), 0)
    for table in tables:
        assert table[0].startswith("running ") and table[3].split()[:2] == ["in", "out"] and table[4] == "\n", table
    watching = process.spawn([process.program(), "stats", "--json", "--watch", "-i", "100ms", "--control", hub.control], stdout=-1)
    objects = [json.loads(watching.stdout.readline()) for _ in range(3)]
    watching.send_signal(signal.SIGTERM)
    equal(watching.wait(10), 0)
    for said in objects:
        equal(said.keys(), hub.stats().keys())
        equal(said["deliveries"][0]["in_flight"], 0)
    stop(hub, 2)


@test
def on_a_terminal_what_is_watched_is_drawn_in_its_place(t):
    hub = t.start(LOG)
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    watching = process.spawn([process.program(), "stats", "--watch", "-i", "100ms", "--control", hub.control], stdout=theirs)
    shown = b""
    while shown.count(b"running ") < 3:
        shown += os.read(ours, 4096)
    watching.send_signal(signal.SIGINT)
    equal(watching.wait(10), 0)
    os.close(theirs)
    frames = shown.split(b"\x1b[4A")  # up again over what was there
    assert len(frames) >= 3 and all(f.startswith(b"running ") for f in frames), shown
    assert frames[0].count(b"\x1b[K\r\n") == 4 and frames[0].endswith(b"\x1b[J"), shown
    os.close(ours)
    stop(hub, 0)


@test
def of_many_sources_those_are_shown_that_were_asked_for(t):
    names = [f"s{i:03}" for i in range(200)]
    hub = t.start(f"""
sources: {{{", ".join(f"{n}: {{fifo: {n}}}" for n in names)}}}
handlers: {{out: {{plugin: log, options: {{path: out, format: frames, sync: never}}}}}}
routes: [{{from: [{", ".join(names)}], to: out}}]
""")
    for n in ("s007", "s123"):
        hub.send(n, [b"x"] * 10)
    t.until_logged("out", [b"x"] * 20)
    equal(len(at_a_glance(t, hub, "--interval", "0s")), 3 + 200)
    rows = at_a_glance(t, hub, "--interval", "0s", "--source", "s12?", "--source", "s007")[3:]
    equal([row.split()[0] for row in rows], ["s007"] + [f"s12{i}" for i in range(10)])
    rows = at_a_glance(t, hub, "--interval", "0s", "--top", "2")[3:]
    equal((len(rows), rows[2]), (3, "and 198 more: --top N, --sort KEY, --source NAME"))
    account = hub.stop()
    for n in names:
        account.says(n, accepted=10 if n in ("s007", "s123") else 0)
        account.says(f"{n} -> out", delivered=10 if n in ("s007", "s123") else 0)


@test
def stats_shows_what_waits_and_which_handler_stands_still(t):
    hub = t.start(HELD)
    hub.send("in", [b"one", b"two"])
    hub.says("stubborn is held")
    until(lambda: hub.stats()["handlers"]["stubborn"]["state"] == "held", "stats says that stubborn is held")
    until(lambda: hub.account_now().of("in -> out")["delivered"] == 2, "the other handler goes on")
    hub.account_now().says("in -> stubborn", in_flight=2)
    out, _ = t.run("stats", "--account", "--control", hub.control)
    assert out.decode().endswith("\n  handler stubborn is held: held at message 1\n"), out.decode()
    hub.stop().says("in", accepted=2).says("in -> out", delivered=2).says("in -> stubborn", in_flight=2)


@test
def what_a_plugin_has_taken_is_shown_until_it_is_settled(t):
    hub = t.start("""
drain_timeout: 1s
sources: {in: {fifo: in}}
handlers: {out: {plugin: taking, options: {path: out}}}
routes: [{from: in, to: out}]
""")
    equal(hub.stats()["handlers"]["out"], {"state": "ready", "taken": 0})
    hub.send("in", [b"one", b"forget this", b"three"])
    until(lambda: hub.account_now().of("in -> out")["delivered"] == 2, "the others are delivered")
    shown = hub.stats()["handlers"]["out"]
    equal(shown["taken"], 1)
    assert 0 <= shown["oldest_taken_ms"] < 60_000, shown
    note = at_a_glance(t, hub, "--interval", "0s")[-1]
    assert re.fullmatch(r"handler out has taken 1 message that it has not settled yet, \d+ m?s ago", note), note
    hub.stop().says("in", accepted=3).says("in -> out", delivered=2, in_flight=1)


@test(seconds=90)
def a_call_that_does_not_come_back_is_reported_and_shown(t):
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


@test(seconds=90)
def a_call_that_stops_the_loop_itself_is_reported_by_the_keeper(t):
    hub = t.start("""
drain_timeout: 1s
sources: {in: {fifo: in}}
handlers: {bad: {plugin: hanging, options: {until: %s}}}
routes: [{from: in, to: bad}]
""" % t.path("cured"))
    hub.send("in", [b"fine", b"hang here"])
    hub.says(r"handler bad: its plugin has been in one call of handle for \d+s, with \d messages? of in from number "
             r"\d on; the worker's loop waits for it", seconds=30)
    _, err = t.run("stats", "--control", hub.control, status=1)
    assert "does not answer within 5s: its loop waits, perhaps for a plugin's call that does not come back" in err, err
    t.path("cured").touch()
    hub.stop().all_delivered(2)


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
    alone = only_hubs_of_this_test()
    first = t.start(LOG, control=None)
    equal(json.loads(t.run("stats", "--json", **alone)[0])["file"], str(first.config))
    second = t.hub(LOG.replace("fifo: in", "fifo: in2").replace("path: out", "path: out2"), control=None).start()
    for hub in (first, second):
        equal(json.loads(t.run("stats", hub.config, "--json")[0])["file"], str(hub.config))
    _, err = t.run("stats", status=1, **alone)
    assert re.search(r"2 hubs run: .*/control-\S+-[0-9a-f]{8}, .*/control-\S+-[0-9a-f]{8}\n  help: say which: ", err), err
    stop(second, 0)
    equal(json.loads(t.run("stats", "--json", **alone)[0])["file"], str(first.config))
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
    alone = only_hubs_of_this_test()
    _, err = t.run("stats", status=1, **alone)
    for place in (f"{t.folder}/standpipe/control*", f"/run/user/{os.geteuid()}/standpipe/control*", "/run/standpipe/control*"):
        assert place in err, err
    _, err = t.run("stats", "nothing.yaml", status=1, **alone)
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
    first.says("state was removed or replaced, so what it held is no longer there; the hub uses the folder that is there now")
    said = t.hub("data_dir: state\n" + LOG.replace("fifo: in", "fifo: other")).fails_to_start()
    assert f"another hub (process {first.process.pid}) uses {t.path('state')}" in said, said
    stop(first, 0)
