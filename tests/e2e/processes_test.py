# SPDX-License-Identifier: Apache-2.0
"""What surrounds the two processes: signals that reach both, descriptors of the caller's, terminals and closed streams."""

import json
import os
import signal
import time

from kit import equal, test
from kit.timing import SLOW
from journey_test import FORWARD, LOG


@test(seconds=120)
def a_signal_to_the_whole_process_group_counts_once_and_is_never_lost(t):
    for number in (signal.SIGTERM, signal.SIGINT) * 4:
        hub = t.start("drain_timeout: 60s\n" + FORWARD, start_new_session=True)
        hub.send("in", [b"one"])  # nobody takes it: counted twice, the signal would end the hub at once
        os.killpg(hub.process.pid, number)
        hub.says("stopping: what was written until now is delivered")
        time.sleep(0.1 * SLOW)
        assert "asked to stop again" not in hub.stderr()
        os.killpg(hub.process.pid, number)
        account = hub.wait()
        account.says("in", accepted=account.of("in")["accepted"])
        assert "asked to stop again: not waiting any longer" in hub.stderr()
        account.says("in -> next", in_flight=account.of("in -> next")["in_flight"])
        t.path(f"{hub.name}.stderr").unlink()


@test
def a_fifo_that_the_caller_holds_open_has_no_writer_in_the_hub(t):
    os.mkfifo(t.path("in"), 0o600)
    held = os.open(t.path("in"), os.O_RDWR)
    hub = t.start(LOG, pass_fds=(held,))
    os.close(held)
    writer = t.writer("in")
    writer.write_seen(b"no frame at all")
    writer.close()
    hub.says("in: .*")
    hub.send("in", [b"one"])
    t.until_logged("out", [b"one"])
    hub.stop().says("in", accepted=1, bad_frame=1, discarded_bytes=15).says("in -> out", delivered=1)


@test
def a_descriptor_that_the_command_line_names_is_the_hubs(t):
    t.path("hub.yaml").write_text("version: 1\n" + LOG)
    reading, writing = os.pipe()
    hub = t.standpipe("run", "hub.yaml", "--account", f"/dev/fd/{writing}", pass_fds=(writing,))
    os.close(writing)
    while b"ready" not in hub.stderr.readline():
        pass
    hub.terminate()
    equal(hub.wait(20 * SLOW), 0)
    equal(list(json.loads(os.read(reading, 1 << 16))["sources"]), ["in"])
    os.close(reading)


@test
def sockets_of_a_service_manager_are_refused_in_a_sentence(t):
    script = 'LISTEN_PID=$$ LISTEN_FDS=2 exec "$@"'
    hub = t.hub(LOG)
    os.environ["STANDPIPE_TEST_WRAP"], before = f"sh -c '{script}' sh", os.environ.get("STANDPIPE_TEST_WRAP", "")
    try:
        hub.start()
    finally:
        os.environ["STANDPIPE_TEST_WRAP"] = before
    hub.says(r"handed over 2 sockets \(LISTEN_FDS\), and a hub takes none: closed")
    hub.stop().all_delivered(0)
