# SPDX-License-Identifier: Apache-2.0
"""What is in configs/ works: every example passes its own tests, says how to run it, and runs."""

import pathlib
import re

from kit import equal, process, test

CONFIGS = pathlib.Path(__file__).resolve().parents[2] / "configs"
EXAMPLES = sorted(CONFIGS.glob("*.yaml"))


def plugins():
    """Where configs/shout.cpp is built for the tests."""
    return process.program().parent.parent / "lib/standpipe/test-plugins"


@test
def every_example_passes_its_own_tests(t):
    assert len(EXAMPLES) >= 10, f"there are only {len(EXAMPLES)}"
    for example in EXAMPLES:
        out, _ = t.run("test", example, "--plugins", plugins())
        assert re.search(rb"^[1-9]\d* passed, 0 failed", out, re.MULTILINE), f"{example.name}: {out.decode()}"


@test
def every_example_is_right_and_warns_of_nothing(t):
    for example in EXAMPLES:
        out, err = t.run("check", example, "--plugins", plugins())
        equal((out[:3], err), (b"ok:", ""), example.name)


@test
def every_example_says_at_its_head_how_to_run_it(t):
    for example in EXAMPLES:
        head = [line for line in example.read_text().splitlines() if not line.startswith("# yaml-language-server:")][:6]
        assert head[0].startswith("# "), f"{example.name} does not say what it shows"
        said = any(re.match(rf"#   standpipe run .*configs/{example.name}$", line) for line in head)
        assert said, f"{example.name} does not say how to run it"


@test
def every_example_runs(t):
    for example in EXAMPLES:
        hub = t.start(example.read_text().replace("/tmp", str(t.folder)), env=process.environment(t.folder) | {"STANDPIPE_PLUGIN_PATH": str(plugins())})
        hub.stop()
