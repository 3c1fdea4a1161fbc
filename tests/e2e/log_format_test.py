# SPDX-License-Identifier: Apache-2.0
"""What the hub says on standard error: with time and level as text, as JSON, and as the journal wants it."""

import json
import os
import re
import signal

from kit import equal, process, test, until

LOG = "sources: {in: {fifo: in}}\nhandlers: {out: {plugin: log, options: {path: out}}}\nroutes: [{from: in, to: out}]\n"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d"


def said_by_a_hub_whose_worker_is_killed(t, *options, env=None):
    """Its whole standard error: both of its processes said something."""
    t.path("hub.yaml").write_text(LOG)
    command = [process.program(), "run", t.path("hub.yaml"), "--control", t.path("control"), *options]
    with t.path("err").open("wb") as err:
        env = process.environment(t.folder) | (env(err) if env else {})
        hub = process.spawn(command, cwd=t.folder, env=env, stderr=err)
    says = lambda word: until(lambda: word in t.path("err").read_text(), f"the hub says {word}", 20)
    says("ready")
    children = f"/proc/{hub.pid}/task/{hub.pid}/children"
    os.kill(int(open(children).read().split()[0]), signal.SIGKILL)
    says("went on")
    hub.terminate()
    equal(hub.wait(30), 0)
    return t.path("err").read_text()


@test
def each_entry_has_a_time_and_a_level(t):
    said = said_by_a_hub_whose_worker_is_killed(t)
    entries = [line for line in said.splitlines() if not line.startswith("  ")]
    for line in entries:
        assert re.match(rf"{TIME} (info  |warning: |error: )", line), line
    assert re.search(rf"^{TIME} info  account closes: 0 = ", said, re.M), said


@test
def as_json_each_line_is_an_object_with_its_time_and_the_account_is_one_too(t):
    said = [json.loads(line) for line in said_by_a_hub_whose_worker_is_killed(t, "--log-format", "json").splitlines()]
    for entry in said:
        assert re.fullmatch(TIME, entry["time"]) and entry["severity"] in ("info", "warning", "error"), entry
    assert any(entry["message"].startswith("ready in ") for entry in said)
    equal((said[-1]["code"], said[-1]["account"]["closes"]), ("account", True))


@test
def where_standard_error_is_the_journal_each_line_has_a_level_and_no_time(t):
    def journal(err):
        status = os.fstat(err.fileno())
        return {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}

    said = said_by_a_hub_whose_worker_is_killed(t, env=journal)
    for line in said.splitlines():
        assert re.match(r"<[346]>", line), line
    assert not re.search(TIME, said), said
    assert re.search(r"^<6>account closes: ", said, re.M), said
