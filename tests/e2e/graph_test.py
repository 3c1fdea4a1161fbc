# SPDX-License-Identifier: Apache-2.0
"""What `standpipe graph --format svg` draws by the graphviz of this machine: all that the configuration has, and every name as it is."""

import json
import shutil
import xml.etree.ElementTree as xml

from kit import equal, test
from kit.bench import Skip

SVG = "{http://www.w3.org/2000/svg}"
# Names that graphviz, XML or a terminal would read as something else; an escape of YAML stands for what cannot be typed.
STRANGE = r"""
sources:
  in: { fifo: "/run/x/a&amp;b <c> 'd' #1" }
  more: { fifo: "/run/x/\\N é" }
  lonely: { fifo: /run/x/lonely }
handlers:
  screen: { plugin: print }
  on: { plugin: forward, allow_loop: true, options: { fifo: "/run/x/\\N é" } }
  spare: { plugin: print }
routes:
  - { name: "R&D &lt; <b>x</b> \"q\" &#1; \\l ü", from: in, match: { text: { equals: "]]> &#38; \uFFFE \0 \x1b[2J" } }, to: [screen, on] }
  - { name: "<table>", from: [in, more], match: { size: { lt: 9 } }, to: screen, final: true }
  - { name: "never --> reached", from: more, match: { size: { lt: 9 } }, to: screen }
"""


@test
def a_drawing_has_every_source_route_handler_and_edge_by_its_name(t):
    if not shutil.which("dot"):
        raise Skip("there is no graphviz")
    config(t)
    graph = json.loads(t.run("graph", "hub.yaml", "--json")[0])
    nodes, edges = parts_of(t.run("graph", "hub.yaml", "--format", "svg")[0])
    expected = {"dropped": "dropped and counted"}
    for letter, parts in ("s", graph["sources"]), ("r", graph["routes"]), ("h", graph["handlers"]):
        expected |= {f"{letter}{number}": part["name"] for number, part in enumerate(parts)}
    equal({id: lines[0] for id, lines in nodes.items()}, expected, "what is drawn, and its name")
    equal(nodes["s0"][1], "/run/x/a&amp;b <c> 'd' #1", "a path")
    equal(nodes["s1"][1], "/run/x/\\N é", "a path that has a backslash")
    equal(nodes["r0"][1], r'text = "]]> &#38; \xef\xbf\xbe \u0000 \u001b[2J"', "a condition")
    assert any("unreachable" in line for line in nodes["r2"]), nodes["r2"]
    assert any("unused" in line for line in nodes["h2"]), nodes["h2"]
    equal(sorted(edges), sorted(edges_of(graph)), "edges, and what they say")


def config(t):
    t.path("hub.yaml").write_text("version: 1\n" + STRANGE)


def parts_of(drawing):
    """Of a drawing: the lines of each node, and each edge as (from, to, label)."""
    nodes, edges = {}, []
    for group in xml.fromstring(drawing).iter(f"{SVG}g"):
        title = group.findtext(f"{SVG}title")
        lines = [text.text for text in group.findall(f"{SVG}text")]
        if group.get("class") == "node":
            nodes[title] = lines
        elif group.get("class") == "edge":
            edges.append((*title.split("->"), "".join(lines)))
    return nodes, edges


def edges_of(graph):
    numbers = {letter: {part["name"]: f"{letter}{i}" for i, part in enumerate(graph[kind])} for letter, kind in (("s", "sources"), ("h", "handlers"))}
    edges = [(source, "dropped", "unmatched") for source in numbers["s"].values()]
    for number, route in enumerate(graph["routes"]):
        edges += [(numbers["s"][source], f"r{number}", "") for source in route["from"]]
        edges += [(f"r{number}", numbers["h"][handler], "") for handler in route["to"]]
    for handler in graph["handlers"]:
        edges += [(numbers["h"][handler["name"]], numbers["s"][source], "loop") for source in handler["feeds"]]
    return edges


@test
def where_graphviz_is_missing_that_is_said_with_what_to_do(t):
    config(t)
    nothing = t.path("nothing")
    nothing.mkdir()
    out, err = t.run("graph", "hub.yaml", "--format", "svg", status=1, env={"PATH": str(nothing)})
    equal(out, b"", "standard output")
    assert "there is no program `dot`" in err and "apt-get install graphviz" in err and "--format dot" in err, err
