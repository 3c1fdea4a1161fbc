#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that each type of router/ that decides something has a test of its stem: python3 tests/stems.py

What breaks when FOLDER/STEM changes is tests/unit/FOLDER/STEM_test.cpp. The tables below have what has none, and why; a line
of theirs that is not needed any more, or names a test that does not say what it should, is a fault as well.
"""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# They decide nothing.
WITHOUT = {
    "base/clock": "an interface, and the system's clocks",
    "base/in_order": "one store between two fences, which the crash tests try",
    "base/limits": "data: the bounds, which its assertions add up",
    "base/remedies": "data: what to do about failures, in words",
    "base/pages": "one constant, and a number rounded up to it",
    "cli/command": "data: a row of the table of commands",
    "cli/demo": "a name for another command",
    "cli/status": "data: what commands end with",
    "config/hub_options": "data: what a configuration comes to",
    "config/test_options": "data: a test of a configuration",
    "config/tree": "data: a parsed document",
    "conformance/check": "data: a row of the table of checks",
    "deliver/endpoint": "an interface",
    "deliver/handler_needs": "interfaces",
    "deliver/message_sink": "an interface",
    "deliver/settlement_observer": "an interface",
    "frame/codec": "an interface",
    "log/position": "data: numbers that are not to be confused",
    "log/refusal": "two exceptions' types",
    "log/record_format": "data: log/FORMAT.md as numbers",
    "match/workspace": "data: buffers that are worth keeping",
    "scaffold/template_files": "data: the files of sdk/template",
    "source/options": "data: a configured source",
    "state/damaged": "an exception's type",
    "worker/reloading": "an interface",
    "worker/source_state": "data: what a source is doing, and its name",
    "worker/stage_hook": "an interface",
}

# stem: (the test that fails instead, what stands there about it)
ELSEWHERE = {
    # second files of a type
    "cli/completion_fish": ("tests/unit/cli/dispatch_test.cpp", "zsh and fish complete the same table"),
    "cli/completion_zsh": ("tests/unit/cli/dispatch_test.cpp", "zsh and fish complete the same table"),
    "cli/manual_configuration": ("tests/unit/cli/manual_test.cpp", "the page of the configuration"),
    "cli/manual_page": ("tests/unit/cli/manual_test.cpp", "paragraphs with indented lines"),
    "cli/manual_plugin": ("tests/unit/cli/manual_test.cpp", "options that plugins declare"),
    "deliver/fifo_death": ("tests/unit/deliver/fifo_recovery_test.cpp", "all that a dead reader took is counted"),
    "deliver/handler_calls": ("tests/unit/deliver/handler_loop_test.cpp", "while letters are written nothing is settled, and the handler makes no other call"),
    "keeper/keeper_watch": ("tests/unit/keeper/keeper_test.cpp", "a hang is killed and marked"),
    "match/json_error": ("tests/unit/match/json_test.cpp", "a person is told where a text stops being JSON"),
    "worker/letter_routes": ("tests/e2e/dead_test.py", "a_letter_names_the_route_by_which_its_message_came"),
    "worker/hub_begin": ("tests/unit/worker/hub_test.cpp", "a worker that follows delivers what the dead one had accepted"),
    "worker/hub_stop": ("tests/unit/worker/hub_test.cpp", "a stop delivers what was written before it"),
    "worker/hub_succession": ("tests/unit/worker/reload_test.cpp", "and the hub gives way"),
    # shared by two processes, and tried where they meet
    "state/shared_header": ("tests/unit/keeper/shared_page_test.cpp", "SharedHeader"),
    # what loads plugins: each broken one is a file, and a row of one table
    "plugin/description": ("tests/unit/plugin/registry_test.cpp", "each broken plugin is refused"),
    "plugin/library": ("tests/unit/plugin/registry_test.cpp", "a missing symbol is an error at loading"),
    # one plugin for each fault
    "conformance/checks_description": ("tests/unit/conformance/suite_test.cpp", "each fault fails the check"),
    "conformance/checks_file": ("tests/unit/conformance/suite_test.cpp", "a file that is no plugin"),
    "conformance/checks_host": ("tests/unit/conformance/suite_test.cpp", "each fault fails the check"),
    "conformance/checks_lending": ("tests/unit/conformance/suite_test.cpp", 'verdict("keeps")'),
    "conformance/checks_lifecycle": ("tests/unit/conformance/suite_test.cpp", 'verdict("descriptors")'),
    "conformance/checks_messages": ("tests/unit/conformance/suite_test.cpp", 'verdict("outcomes")'),
    "conformance/checks_process": ("tests/unit/conformance/suite_test.cpp", 'verdict("children")'),
    "conformance/checks_source": ("tests/unit/conformance/suite_test.cpp", 'verdict("source_credit")'),
    "conformance/checks_time": ("tests/unit/conformance/suite_test.cpp", 'verdict("closes")'),
    # what a configuration may be: a wrong file, and all that is said of it
    "config/conditions": ("tests/unit/config/bad/match_conditions.stderr", "match"),
    "config/cycles": ("tests/unit/config/bad/cycles.stderr", "handlers emit in a cycle"),
    "config/emitters": ("tests/unit/config/bad/cannot_emit.stderr", "emits no messages"),
    "config/extent": ("tests/unit/config/loader_test.cpp", "these routes join more than"),
    "config/handlers": ("tests/unit/config/bad/unknown_keys_in_handler.stderr", "handler"),
    "config/instance": ("tests/unit/config/bad/limits_without_process.stderr", "a process of its own"),
    "config/json_value": ("tests/unit/config/bad/match_conditions.stderr", "is no number of JSON"),
    "config/match": ("tests/unit/config/bad/empty_rules.stderr", "match"),
    "config/memory": ("tests/unit/config/bad/memory_for_sources.stderr", "memory_max"),
    "config/open_files": ("tests/unit/config/loader_test.cpp", "open files"),
    "config/options": ("tests/unit/config/bad/plugin_options.stderr", "option"),
    "config/own_files": ("tests/unit/config/bad/own_files.stderr", "file"),
    "config/parse": ("tests/unit/config/bad/syntax_open_map.stderr", "error"),
    "config/plugins": ("tests/unit/config/bad/unknown_plugin.stderr", "plugin"),
    "config/reader": ("tests/unit/config/bad/bad_values.stderr", "error: "),
    "config/routes": ("tests/unit/config/bad/unknown_keys_in_route.stderr", "route"),
    "config/secret": ("tests/unit/config/bad/secrets.stderr", "secret"),
    "config/sources": ("tests/unit/config/bad/unknown_keys_in_source.stderr", "source"),
    "config/syntax": ("tests/unit/config/bad/syntax_indentation.stderr", "error"),
    "config/trial": ("tests/unit/config/bad/plugin_refuses.stderr", "its plugin refuses"),
    # what the manual, the reference and the schema say of each key, compared with what the loader takes
    "config/handler_keys": ("tests/unit/config/keys_test.cpp", "each key's example is accepted where the key stands"),
    "config/hub_keys": ("tests/unit/config/keys_test.cpp", "each key's limits are those of the loader"),
    "config/key_sections": ("tests/unit/config/keys_test.cpp", "the manual explains each key that a configuration may have, and no other"),
    "config/plugin_keys": ("tests/unit/config/keys_test.cpp", "each key's limits are those of the loader"),
    "config/route_keys": ("tests/unit/config/keys_test.cpp", "each key's example is accepted where the key stands"),
    "config/source_keys": ("tests/unit/config/keys_test.cpp", "a key that is declared to be required is missed"),
    "config/test_keys": ("tests/unit/config/keys_test.cpp", "a key that is declared to be required is missed"),
    # commands, tried as people run them
    "cli/check": ("tests/e2e/check_test.py", "check"),
    "cli/completion": ("tests/unit/cli/dispatch_test.cpp", "the script for the shell"),
    "cli/control_socket": ("tests/e2e/stats_test.py", "socket"),
    "cli/dead_export": ("tests/unit/cli/dead_test.cpp", "letters are copied into a file"),
    "cli/dead_purge": ("tests/unit/cli/dead_test.cpp", "letters are purged"),
    "cli/dead_replay": ("tests/e2e/dead_test.py", "replay"),
    "cli/examine": ("tests/e2e/reload_test.py", "reload"),
    "cli/explain_report": ("tests/unit/cli/explain_test.cpp", "each route says whether it takes the message"),
    "cli/graph_drawing": ("tests/unit/cli/graph_test.cpp", "graphviz"),
    "cli/graph_json": ("tests/unit/cli/graph_test.cpp", "one object on one line"),
    "cli/graph_model": ("tests/unit/cli/graph_test.cpp", "a graph is drawn as written down"),
    "cli/graph_svg": ("tests/unit/cli/graph_test.cpp", "a drawing is made by graphviz"),
    "cli/graph_text": ("tests/unit/cli/graph_test.cpp", "a graph is drawn as written down"),
    "cli/handler": ("tests/e2e/handler_test.py", "handler"),
    "cli/handler_process": ("tests/e2e/isolation_test.py", "process"),
    "cli/help": ("tests/unit/cli/dispatch_test.cpp", "help begins with examples"),
    "cli/help_command": ("tests/unit/cli/dispatch_test.cpp", "help COMMAND shows the page"),
    "cli/plugin": ("tests/e2e/plugin_test.py", "plugin"),
    "cli/plugin_check": ("tests/e2e/plugin_test.py", "check"),
    "cli/plugin_new": ("tests/e2e/plugin_test.py", '"plugin", "new"'),
    "cli/queue_cat": ("tests/unit/cli/queue_test.cpp", "queue cat prints what is asked for"),
    "cli/queue_check": ("tests/unit/cli/queue_test.cpp", "queue check reads dead letters too"),
    "cli/queue_export": ("tests/unit/cli/queue_test.cpp", "queue export writes frames"),
    "cli/queue_files": ("tests/unit/cli/queue_test.cpp", "a name of which nothing waits is told"),
    "cli/queue_list": ("tests/unit/cli/queue_test.cpp", "queue list has a row a file"),
    "cli/recv": ("tests/e2e/send_recv_test.py", "recv"),
    "cli/reload": ("tests/e2e/reload_test.py", "reload"),
    "cli/run": ("tests/e2e/journey_test.py", "t.start("),
    "cli/schema": ("tests/e2e/schema_test.py", "schema"),
    "cli/table": ("tests/unit/cli/dispatch_test.cpp", "every row has what its page needs"),
    "cli/test_junit": ("tests/unit/cli/test_test.cpp", "JUnit's report has every test"),
    "cli/test_report": ("tests/unit/cli/test_test.cpp", "a test that fails says what was sent"),
    "cli/tour": ("tests/e2e/tour_test.py", "tour"),
    "cli/worker": ("tests/e2e/journey_test.py", "t.start("),
}


def stems():
    """FOLDER/STEM of each header and each source file."""
    files = (ROOT / "router").glob("*/*")
    return sorted({f"{path.parent.name}/{path.stem}" for path in files if path.suffix in (".h", ".cpp")})


def fault_of(stem):
    """What is wrong with what is said of a stem; None: nothing."""
    here = ROOT / "tests/unit" / f"{stem}_test.cpp"
    is_excepted = stem in WITHOUT or stem in ELSEWHERE
    if here.exists():
        return f"{stem} has a test of its stem: remove it from the tables of tests/stems.py" if is_excepted else None
    if stem in WITHOUT and stem in ELSEWHERE:
        return f"{stem} stands in both tables of tests/stems.py: remove one of the lines"
    if stem in WITHOUT:
        return None
    if stem not in ELSEWHERE:
        return f"router/{stem} has no {here.relative_to(ROOT)}: write that test, or say in tests/stems.py why it needs none"
    test, part = ELSEWHERE[stem]
    if not (ROOT / test).exists():
        return f"{test}, which is to fail for router/{stem}, is not there: correct tests/stems.py"
    if part not in (ROOT / test).read_text(errors="replace"):
        return f"{test} says nothing of '{part}', for which router/{stem} has no test of its own: correct tests/stems.py"
    return None


def main():
    all_stems = stems()
    faults = [fault for fault in map(fault_of, all_stems) if fault]
    gone = sorted((WITHOUT.keys() | ELSEWHERE.keys()) - set(all_stems))
    faults += [f"router/{stem} is not there any more: remove it from the tables of tests/stems.py" for stem in gone]
    for fault in faults:
        print(f"FAIL: {fault}")
    print(f"{len(all_stems) - len(faults)} passed, {len(faults)} failed")
    return 1 if faults or not all_stems else 0


if __name__ == "__main__":
    sys.exit(main())
