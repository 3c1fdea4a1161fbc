# SPDX-License-Identifier: Apache-2.0
"""`standpipe test`: a configuration's own tests."""

import json
import time

from kit import SLOW, equal, test

HUB = """sources: {orders: {fifo: orders}}
handlers: {billing: {plugin: forward, options: {fifo: billing}}, rest: {plugin: log, options: {path: rest.log}}}
routes:
  - {name: big orders, from: orders, match: {json: {/type: order, /amount: {gte: 1000}}}, to: billing}
unmatched: rest
tests:
"""


@test
def nothing_outside_is_made_or_written(t):
    t.path("t.yaml").write_text(HUB + "  - {send: {source: orders, json: {type: order, amount: 5000}}, expect: {billing: 1}}\n")
    out, err = t.run("test", "t.yaml")
    assert out.startswith(b"PASS  test 1 ") and err == "", (out, err)
    equal([p.name for p in t.folder.iterdir()], ["t.yaml"])


@test
def a_failure_says_which_route_did_not_match_and_the_value_that_it_saw(t):
    t.path("t.yaml").write_text(HUB + "  - {name: a big order, send: {source: orders, json: {type: order, amount: 12}}, expect: {billing: 1}}\n")
    out, _ = t.run("test", "t.yaml", status=1)
    lines = [line.strip() for line in out.decode().splitlines()]
    assert lines[0].startswith("FAIL  a big order ") and lines[0].endswith(" t.yaml:7:12"), lines
    equal(lines[1:-1], [
        'sent      orders  {"type":"order","amount":12}',
        "expected  billing 1",
        "got       billing 0, rest 1 (as unmatched), unmatched 1",
        "because   big orders: /amount = 12, wanted >= 1000   t.yaml:4:77",
    ])


@test
def a_thousand_tests_take_less_than_a_second(t):
    t.only_uninstrumented()
    tests = "".join(
        f"  - {{name: order {i}, send: {{source: orders, json: {{type: order, amount: {i}}}}}, expect: {{billing: {int(i >= 1000)}}}}}\n"
        for i in range(500, 1500)
    )
    t.path("t.yaml").write_text(HUB + tests)
    began = time.monotonic()
    out, _ = t.run("test", "t.yaml", "--json")
    took = time.monotonic() - began
    said = json.loads(out.splitlines()[-1])
    equal((said["passed"], said["failed"]), (1000, 0))
    assert took < 1 * SLOW, f"they took {took:.2f} s"


@test
def tests_may_stand_in_a_file_of_their_own(t):
    folder = t.path("conf.d")
    folder.mkdir()
    (folder / "10-hub.yaml").write_text(HUB.replace("tests:\n", ""))
    (folder / "20-tests.yaml").write_text("tests:\n  - {name: nonsense, send: {source: orders, text: x}, expect: {billing: 1}}\n")
    out, _ = t.run("test", "conf.d", status=1)
    assert b"FAIL  nonsense" in out and b"conf.d/20-tests.yaml:2:12" in out, out.decode()
    assert b"conf.d/10-hub.yaml:4:" in out, out.decode()
    out, _ = t.run("explain", "conf.d", "x")
    assert b"-> rest (log," in out, out.decode()
    out, _ = t.run("graph", "conf.d")
    assert b"big orders" in out, out.decode()
