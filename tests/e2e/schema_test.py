# SPDX-License-Identifier: Apache-2.0
"""The JSON schema and the reference are what the program says, and the schema judges configurations as the loader does, where it can."""

import json
import math
import pathlib
import re

from kit import equal, process, test
from kit.bench import Skip

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIGS = ROOT / "configs"
BAD = ROOT / "tests/unit/config/bad"
FIRST_LINE = "# yaml-language-server: $schema=standpipe.schema.json"

# Golden mistakes that a schema cannot see, each with its reason.
UNSEEN = {
    "cannot_emit": "what a plugin can do is not among its options",
    "cycle_of_unmatched": "names are resolved",
    "cycles": "names are resolved",
    "deep_lists": "a schema has no limit of depth",
    "files_of_others": "paths are compared",
    "limits_without_process": "a handler's isolation may be its plugin's wish",
    "lone_return": "an end of line to other parsers",
    "many_names": "names are resolved",
    "may_block": "what a plugin wants is not among its options",
    "memory_default": "sizes are added up",
    "memory_for_message": "sizes are compared",
    "memory_for_sources": "sizes are added up",
    "missing_sections": "they may stand in another file",
    "one_namespace": "names are compared",
    "own_files": "paths are compared",
    "paths": "paths are looked at",
    "placeholders": "what stands in braces is the plugin's",
    "plugin_refuses": "values that fit their declaration, but not each other",
    "rotated_files": "paths are compared",
    "same_fifo": "paths are compared",
    "source_plugin_refuses": "what a plugin takes is its own",
    "too_many": "names are resolved",
    "unknown_handler": "names are resolved",
    "unknown_plugin": "plugins may be elsewhere",
    "unknown_source": "names are resolved",
    "variables": "the environment",
    "warnings": "no mistake",
    "warnings_emitters": "no mistake",
    "warnings_topology": "no mistake",
    "warnings_slow_pattern": "patterns are added up",
}


def six_plugins(t):
    return process.environment(t.folder) | {"STANDPIPE_PLUGIN_PATH": str(process.program().parent.parent / "lib/standpipe/config-plugins")}


def own_plugins(t):
    """Those of the house alone."""
    return {key: value for key, value in process.environment(t.folder).items() if key != "STANDPIPE_PLUGIN_PATH"}


def validator(schema):
    import jsonschema

    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def as_json(value):
    """Keys of YAML as an editor sees them: texts."""
    if isinstance(value, dict):
        return {key if isinstance(key, str) else json.dumps(key, default=str): as_json(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def expanded(value, sizes):
    """How many values it has, its aliases written out; one inside of what it names makes it endless."""
    if not isinstance(value, (dict, list)):
        return 1
    if id(value) not in sizes:
        sizes[id(value)] = math.inf
        sizes[id(value)] = 1 + sum(expanded(part, sizes) for part in (value.values() if isinstance(value, dict) else value))
    return sizes[id(value)]


def parsed(text):
    """None: a parser of YAML refuses it already, or it has nothing in it, or more than anybody reads."""
    import yaml

    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError):
        return None
    return as_json(value) if expanded(value, {}) < 100_000 else None


def complaints(judge, text):
    return [f"{'/'.join(map(str, e.absolute_path))}: {e.message}" for e in judge.iter_errors(parsed(text))]


NEEDED = {
    "sources.NAME": "fifo: /a, ",
    "sources.NAME.rate_limit": "per_second: 1, ",
    "handlers.NAME": "plugin: print, ",
    "handlers.NAME.queue": "type: none, ",
    "routes[]": "from: a, to: b, ",
    "tests[]": "send: {source: a,text: b}, expect: {a: 1}, ",
    "tests[].send": "source: a, text: b, ",
    "tests[].fail": "handler: a, with: retry, ",
}


def needs_all_plugins(t):
    """Both have every plugin's options; a bridge is built only where its library is."""
    meant = {path.parent.name for path in (ROOT / "plugins").glob("*/CMakeLists.txt")} - {"common"}
    there = {json.loads(line)["name"] for line in t.run("plugin", "list", "--json", env=own_plugins(t))[0].splitlines()}
    if meant - there:
        raise Skip(f"these plugins are not built here: {', '.join(sorted(meant - there))}")


@test
def the_schema_in_configs_is_the_one_that_the_program_prints(t):
    needs_all_plugins(t)
    out, _ = t.run("schema", env=own_plugins(t))
    equal((CONFIGS / "standpipe.schema.json").read_text(), out.decode(), "standpipe schema > configs/standpipe.schema.json")


@test
def the_reference_in_configs_is_the_one_that_the_program_prints(t):
    needs_all_plugins(t)
    out, _ = t.run("help", "config", "--markdown", env=own_plugins(t))
    equal((CONFIGS / "REFERENCE.md").read_text(), out.decode(), "standpipe help config --markdown > configs/REFERENCE.md")


@test
def the_schema_accepts_each_example_which_names_it(t):
    judge = validator(json.loads(t.run("schema")[0]))
    examples = sorted(CONFIGS.glob("*.yaml"))
    assert len(examples) >= 5, examples
    for example in examples:
        text = example.read_text()
        equal(text.splitlines()[0], FIRST_LINE, example.name)
        equal(complaints(judge, text), [], example.name)


@test
def the_schema_refuses_each_golden_mistake_that_it_can_see(t):
    judge = validator(json.loads(t.run("schema", env=six_plugins(t))[0]))
    seen = set()
    for file in sorted(BAD.glob("*.yaml")):
        try:
            text = file.read_text()
        except UnicodeDecodeError:
            continue
        if parsed(text) is not None and complaints(judge, text):
            seen.add(file.stem)
        elif parsed(text) is not None:
            assert file.stem in UNSEEN, f"{file.name}: the schema accepts it; is there a reason?"
    assert not seen & UNSEEN.keys(), f"the schema does see {seen & UNSEEN.keys()}"
    assert UNSEEN.keys() <= {file.stem for file in BAD.glob("*.yaml")}
    assert len(seen) > 30, sorted(seen)


@test
def the_schema_accepts_a_variable_wherever_a_scalar_is_and_the_example_of_every_key(t):
    judge = validator(json.loads(t.run("schema")[0]))
    page = t.run("help", "config", "--markdown")[0].decode()
    sections = re.findall(r"^## (?:`([\w.\[\]]+)`|The file)\n(.*?)(?=^## )", page, re.MULTILINE | re.DOTALL)
    tried = 0
    for path, body in sections:
        for key, value, example in re.findall(r"^\| `(\w+)` \| (.*?) \| .*? \| `(.*?)` \|", body.replace("\\|", "\v"), re.MULTILINE):
            kinds = value.split(",")[0]
            lines = [example.replace("\v", "|")]
            if not {"MAP", "LIST", "VALUES"} & set(kinds.replace("\v", " ").split()):
                lines.append(f'{key}: "${{VALUE:-1}}"')
            for line in lines:
                text = placed(path, line)
                equal(complaints(judge, text), [], text)
                tried += 1
    assert tried > 80, tried


def placed(path, line):
    """A configuration with that line in that map, and nothing else but what must be there."""
    parts = path.split(".") if path else []
    for depth in reversed(range(len(parts))):
        needed = NEEDED.get(".".join(parts[: depth + 1]), "")
        map = f"{{{without(needed, line)}{line}}}"
        part = parts[depth]
        line = f"{part[:-2]}: [{map}]" if part.endswith("[]") else f"{'/a' if part == 'POINTER' else part.lower()}: {map}"
    return line


CONTENTS = {"text", "hex", "base64", "json", "file", "raw"}  # a `send` has one of them
ORIGINS = {"fifo", "plugin"}  # a source has one of them


def without(needed, line):
    key = line.split(":")[0]
    if key == "plugin" and needed.startswith("fifo"):
        return "options: {path: /a}, "  # which the example's plugin has to be told
    given = next((keys for keys in (CONTENTS, ORIGINS) if key in keys), {key})
    return "".join(f"{entry}, " for entry in needed.split(", ") if entry and entry.split(":")[0] not in given)


@test
def the_schema_refuses_what_is_of_another_type(t):
    judge = validator(json.loads(t.run("schema")[0]))
    for text in (
        "memory_max: 64",
        "drain_timeout: 10",
        "sources: {a: {fifo: /a, mode: 0600}}",
        "sources: {a: {fifo: [/a]}}",
        "sources: {a: {mode: '0600'}}",
        "sources: {a: {fifo: /a, plugin: replay}}",
        "sources: {a: {plugin: replay, ack: always}}",
        "sources: {}",
        "sources: {'a b': {fifo: /a}}",
        "handlers: {a: {plugin: print, options: {formt: hex}}}",
        "handlers: {a: {plugin: print, options: {format: hexx}}}",
        "handlers: {a: {plugin: forward}}",
        "handlers: {a: {plugin: print, retry: {max_attempts: many}}}",
        "routes: [{from: a, to: b, final: maybe}]",
        "routes: [{from: a, to: b, match: {not: {any: [{txet: {prefix: a}}]}}}]",
        "routes: [{from: [], to: b}]",
        "routes: [{from: a, to: b, match: {json: {a: 1}}}]",
        "routes: [{from: a, to: b, match: {json: {/a~2: 1}}}]",
        "routes: [{from: a, to: b, match: {json: {x-a: 1}}}]",
        "routes: [{from: a, to: b, match: {json: {/a: {}}}}]",
        "routes: [{from: a, to: b, match: {json: {/a: {in: []}}}}]",
        "routes: [{from: a, to: b, match: {json: {/a: {in: [[1]]}}}}]",
        "routes: [{from: a, to: b, match: {meta: {fifo: {}}}}]",
        "tests: [{send: {source: a}, expect: {b: 1}}]",
        "tests: [{send: {source: a, text: b, hex: 00}, expect: {b: 1}}]",
        "tests: [{send: {source: a, raw: {}}, expect: {b: 1}}]",
        "tests: [{send: {source: a, raw: {text: b, file: c}}, expect: {b: 1}}]",
        "tests: [{send: {source: a, text: b}, expect: {b: {}}}]",
        "unknown: 1",
    ):
        assert complaints(judge, text), text
    for text in (
        "x-note: [1]\nsources: {x-fifo: 1, a: {fifo: /a, x-b: {}}}",
        "routes: [{from: a, to: b, match: {json: {'': 1, /: 2, /a~1b~0/0: {in: [null, 1]}}, meta: {x-key: {prefix: a}}}}]",
    ):
        equal(complaints(judge, text), [])
