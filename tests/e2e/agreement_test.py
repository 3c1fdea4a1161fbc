# SPDX-License-Identifier: Apache-2.0
"""What `standpipe explain` and `standpipe test` say of a configuration's messages is what a running hub does with them, and what
a plain evaluator (kit/rules) says.

Random configurations and messages, from the seed STANDPIPE_AGREEMENT_SEED: hubs with one configuration each
(STANDPIPE_AGREEMENT, 3 of them), and hubs with 500 at once, a source and routes of its own for each
(STANDPIPE_AGREEMENT_TOGETHER; at full scale 10,000 in all, which takes 35 s of a processor).
"""

import base64
import collections
import json
import os
import random
import struct

from kit import equal, stream, test
from kit.rules import handlers_of

ROUNDS = int(os.environ.get("STANDPIPE_AGREEMENT", "3"))
SEED = int(os.environ.get("STANDPIPE_AGREEMENT_SEED", "1"))
TOGETHER = os.environ.get("STANDPIPE_AGREEMENT_TOGETHER")
IN_A_HUB = 500  # each has a FIFO, a stage and a log
HANDLERS = ["a", "b", "c", "d"]
WORDS = ["ping", "pong", "pi", "order", "", "a", "ü", "x" * 40]
VALUES = [0, 1, 1.0, 12, 5000, -3, 0.5, 2**53 + 1, "order", "pi", "", True, False, None]
KEYS = ["type", "amount", "a/b", "list"]


def condition(r):
    kind = r.choice(["text", "text", "regex", "size", "meta", "json", "json", "json"])
    if kind == "text":
        return {"text": {r.choice(["equals", "prefix", "suffix", "contains"]): r.choice(WORDS)}}
    if kind == "regex":
        return {"text": {"regex": r.choice(["^p", "o", "ng$", "^(ping|order)", "[0-9]{2}", "^$"])}}
    if kind == "meta":
        return {"meta": {"fifo": {r.choice(["prefix", "suffix", "contains"]): r.choice(["x", "y", "/", "/nowhere"])}}}
    if kind == "size":
        return {"size": {r.choice(["gt", "gte", "lt", "lte"]): r.randint(1, 30)}}
    pointer = "/" + r.choice(KEYS).replace("/", "~1") + r.choice(["", "", "", "/0"])
    value = r.choice(VALUES)
    wanted = {
        "value": value if value is not None else "null",
        "exists": {"exists": r.random() < 0.5},
        "in": {"in": r.sample([v for v in VALUES if v is not None], 3)},
        "order": {r.choice(["gt", "gte", "lt", "lte"]): r.choice([0, 1, 12, 0.5, 2**53])},
    }
    return {"json": {pointer: r.choice(list(wanted.values()))}}


def rule(r, depth=0):
    how = r.choice(["one", "one", "one", "any", "all", "not"] if depth < 2 else ["one"])
    if how == "one":
        return condition(r)
    if how == "not":
        return {"not": rule(r, depth + 1)}
    return {how: [rule(r, depth + 1) for _ in range(r.randint(1, 3))]}


def route(r, sources):
    made = {"from": r.sample(sources, r.randint(1, len(sources))), "to": r.sample(HANDLERS, r.randint(1, 3))}
    if r.random() < 0.85:
        made["match"] = rule(r)
    if r.random() < 0.4:
        made["final"] = True
    return made


def configuration(r):
    sources = ["x", "y"][: r.randint(1, 2)]
    return joined(r, sources, [route(r, sources) for _ in range(r.randint(1, 8))])


def many_configurations(r, count):
    """A source for each, with routes of its own. Its handlers say which source a message came from."""
    sources = [f"{number}{r.choice('xy')}" for number in range(count)]
    made = joined(r, sources, [route(r, [s]) for s in sources for _ in range(r.randint(1, 8))])
    for handler in made["handlers"].values():
        handler["options"]["format"] = "jsonl"
    return made


def joined(r, sources, routes):
    return {
        "sources": {s: {"fifo": s} | ({"match_max": r.choice(["1B", "20B"])} if r.random() < 0.2 else {}) for s in sources},
        "handlers": {h: {"plugin": "log", "options": {"path": f"{h}.out", "format": "frames"}} for h in HANDLERS},
        "routes": routes,
        "unmatched": r.choice(["drop", *HANDLERS]),
    }


def message(r):
    if r.random() < 0.5:
        return " ".join(r.sample(WORDS, r.randint(0, 3))).encode()
    document = {key: r.choice([*VALUES, [1, "order"], {"a": 1}]) for key in r.sample(KEYS, r.randint(0, 3))}
    return json.dumps(document).encode()[: r.choice([None, None, None, -1])]  # some are broken


def tail(r):
    """What is no message: a frame that claims too much, or one that never ends."""
    return r.choice([b"", b"hello, world", struct.pack("<I", 10) + b"half", b"\x05"])


@test
def random_configurations_do_with_random_messages_what_explain_and_test_say(t):
    for number in range(ROUNDS):
        r = random.Random(SEED * 1000 + number)
        one_agrees(t, r, configuration(r), lambda: r.randint(0, 400), f"round {number} of seed {SEED}")


@test(seconds=240)
def thousands_of_random_configurations_do_what_a_plain_evaluator_explain_and_test_say(t):
    count = int(TOGETHER or (10_000 if t.full_scale() else 500))
    for begin in range(0, count, IN_A_HUB):
        r = random.Random(SEED * 1_000_000 + begin)
        many_agree(t, r, many_configurations(r, min(IN_A_HUB, count - begin)), f"configurations from {begin} of seed {SEED}")


def many_agree(t, r, made, what):
    for handler in HANDLERS:
        t.path(f"{handler}.out").unlink(missing_ok=True)
    messages = [message(r) for _ in range(10)]
    content = stream(messages) + tail(r)
    t.path("sent").write_bytes(content)
    routes = routes_by_source(made)
    expected = {(s, n): where(m, s, routes[s], made, t) for s in made["sources"] for n, m in enumerate(messages)}
    faults = check_explanations(t, made, content, messages, expected, what)
    hub = t.start(yaml_of(made))
    for source in made["sources"]:
        writer = t.writer(source)
        writer.write(content)
        writer.close()
    account = hub.stop(seconds=60)
    got = {h: logged(t, h) for h in HANDLERS}
    for source in made["sources"]:
        why = f"{what}: {source} of {json.dumps(routes[source])}"
        for handler in HANDLERS:
            wanted = [m for n, m in enumerate(messages) if handler in expected[source, n][0]]
            equal(got[handler][source], wanted, f"{why}: what {handler} has got")
            if f"{source} -> {handler}" in account.parts:
                equal(account.of(f"{source} -> {handler}")["delivered"], len(wanted), f"{why}: delivered to {handler}")
        equal(account.of(source)["unmatched"], sum(not expected[source, n][1] for n in range(len(messages))), f"{why}: unmatched")
        check_faults(account.of(source), faults.get(source), f"{why}: faults")
    check_by_test(t, made, account, what, lambda source: "sent")


def routes_by_source(made):
    routes = {source: [] for source in made["sources"]}
    for route in made["routes"]:
        for source in route["from"]:
            routes[source].append(route)
    return routes


def where(payload, source, routes, made, t):
    limit = {k: v for k, v in made["sources"][source].items() if k == "match_max"}
    return handlers_of(payload, routes, str(t.path(source)), unmatched=made["unmatched"], **limit)


def check_explanations(t, made, content, messages, expected, what):
    """Of all sources at once. Returns what is no message, by the source."""
    offsets, at, faults, explained_messages = {}, 0, {}, []
    for number, payload in enumerate(messages):
        offsets[at] = number
        at += 4 + len(payload)
    t.path("asked.yaml").write_text("version: 1\n" + yaml_of(made))
    for said in explained(t, "asked.yaml", made["sources"], "sent"):
        if "fault" in said:
            faults[said["source"]] = said
            continue
        source, number = said["source"], offsets[said["offset"]]
        explained_messages.append((source, number))
        equal((set(said["handlers"]), not said["unmatched"]), expected[source, number], f"{what}: {source} explains {messages[number]!r}")
    equal(explained_messages, list(expected), f"{what}: each message explained once, in order")
    return faults


def logged(t, handler):
    """The payloads that it wrote, by their source, in order."""
    payloads = collections.defaultdict(list)
    file = t.path(f"{handler}.out")
    for line in file.read_text().splitlines() if file.exists() else []:
        entry = json.loads(line)
        payloads[entry["source"]].append(entry["text"].encode() if "text" in entry else base64.b64decode(entry["base64"]))
    return payloads


def one_agrees(t, r, made, messages, what):
    for handler in HANDLERS:
        t.path(f"{handler}.out").unlink(missing_ok=True)
    hub = t.start(yaml_of(made))
    sent = {s: stream([message(r) for _ in range(messages())]) + tail(r) for s in made["sources"]}
    expected = {h: {s: [] for s in sent} for h in HANDLERS}
    faults = {}
    for source, content in sent.items():
        t.path(f"{source}.sent").write_bytes(content)
        for said in explained(t, hub.config, [source], f"{source}.sent"):
            if "fault" in said:
                faults[source] = said
            else:
                payload = payload_at(content, said["offset"])
                for handler in said["handlers"]:
                    expected[handler][source].append(payload)
    for source, content in sent.items():
        writer = t.writer(source)
        writer.write(content)
        writer.close()
    account = hub.stop()
    check_by_test(t, made, account, f"{what}: `standpipe test` of {json.dumps(made)}")
    for source in sent:
        check_faults(account.of(source), faults.get(source), f"{what}: faults of {source}")
    for handler in HANDLERS:
        file = t.path(f"{handler}.out")
        got = t.frames(file.name) if file.exists() else []
        check_handler(got, expected[handler], f"{what}: {handler} of {json.dumps(made)}")
        for source in sent:
            if f"{source} -> {handler}" in account.parts:
                equal(account.of(f"{source} -> {handler}")["delivered"], len(expected[handler][source]), f"{what}: delivered by {source} to {handler}")


def yaml_of(made):
    """JSON is YAML; the kit puts keys of its own before it, so the outermost braces go. A line is a list's item, or a mapping's,
    because the hub reads no line of more than 64 KiB."""
    return "".join(f"{key}: {json_lines(value)}\n" for key, value in made.items())


def json_lines(value):
    if not isinstance(value, (dict, list)):
        return json.dumps(value)
    braces = "{}" if isinstance(value, dict) else "[]"
    named = (f"{json.dumps(k)}: {one_line(v)}" for k, v in value.items()) if isinstance(value, dict) else map(one_line, value)
    return braces[0] + "\n  " + ",\n  ".join(named) + "\n" + braces[1]


def one_line(value):
    return json.dumps(value, ensure_ascii=False)


def explained(t, config, sources, file):
    asked = [word for source in sources for word in ("--source", source)]
    command = t.standpipe("explain", config, *asked, "--raw", "--json", "--file", file)
    out, err = command.communicate(timeout=60)
    assert command.returncode in (0, 1), err.decode()
    return [json.loads(line) for line in out.splitlines()]


def payload_at(content, offset):
    (size,) = struct.unpack_from("<I", content, offset)
    return content[offset + 4 : offset + 4 + size]


def check_by_test(t, made, account, what, file=lambda source: f"{source}.sent"):
    """A configuration's own tests, which send the same to each source and expect what the hub did, pass."""
    tests = []
    for source in made["sources"]:
        expect = {handler: account.of(f"{source} -> {handler}")["delivered"] if f"{source} -> {handler}" in account.parts else 0 for handler in HANDLERS}
        expect |= {key: account.of(source)[key] for key in ("unmatched", "bad_frame", "truncated")}
        tests.append({"name": f"{source} as the hub", "send": [{"source": source, "raw": {"file": file(source)}}], "expect": expect})
    t.path("tested.yaml").write_text(yaml_of(made | {"tests": tests}))
    command = t.standpipe("test", "tested.yaml")
    out, err = command.communicate(timeout=60)
    equal(command.returncode, 0, f"{what}\n{out.decode()}{err.decode()}")


def check_faults(part, said, what):
    expected = {"bad_frame": 0, "truncated": 0, "discarded_bytes": 0}
    if said:
        expected |= {said["fault"]: 1, "discarded_bytes": said["bytes"]}
    equal({name: part[name] for name in expected}, expected, what)


def check_handler(got, expected, what):
    """In order for each source; how sources mix is nobody's promise."""
    if len(expected) == 1:
        equal(got, next(iter(expected.values())), what)
    else:
        equal(sorted(got), sorted(m for of_one in expected.values() for m in of_one), what)
