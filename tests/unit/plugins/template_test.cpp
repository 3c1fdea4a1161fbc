// SPDX-License-Identifier: Apache-2.0
#include "common/template.h"

#include <catch2/catch.hpp>
#include <standpipe/plugin.hpp>

using common::Template;
using Part = Template::Part;

namespace {

Template of(const std::string& text) {
  return {text, {"shape", {Part::source, Part::size, Part::json, Part::meta}}};
}

std::string refusal(const std::string& text) {
  try {
    of(text);
    return "(accepted)";
  } catch (const standpipe::fatal& refused) {
    return refused.what();
  }
}

}  // namespace

TEST_CASE("a template is literals and placeholders") {
  const auto pieces = of("a {{x}} {source}{json:/d/0|none}:{meta:key|}").pieces();
  REQUIRE(pieces.size() == 5);
  CHECK((pieces[0].part == Part::literal && pieces[0].text == "a {x} "));
  CHECK((pieces[1].part == Part::source && !pieces[1].fallback));
  CHECK((pieces[2].part == Part::json && pieces[2].fallback == "none"));
  CHECK(pieces[2].pointer.steps() == std::vector<std::string>{"d", "0"});
  CHECK(pieces[2].text == "{json:/d/0|none}");
  CHECK((pieces[4].part == Part::meta && pieces[4].name == "key" && pieces[4].fallback == ""));
}

TEST_CASE("a template without placeholders is one literal") {
  CHECK_FALSE(of("{{}}").has_placeholders());
  CHECK(of("{{}}").pieces().front().text == "{}");
  CHECK(of("").pieces().empty());
}

TEST_CASE("a mistake names the option, the placeholder and the remedy") {
  CHECK(refusal("{soruce}") ==
        "shape: unknown placeholder {soruce} (known: {source}, {size}, {json:/POINTER}, "
        "{meta:NAME})");
  CHECK(refusal("{payload}") ==
        "shape: there is no placeholder {payload} here (known: {source}, {size}, "
        "{json:/POINTER}, {meta:NAME})");
  CHECK(refusal("{}").starts_with("shape: unknown placeholder {} (known: "));
  CHECK(refusal("{json}") == "shape: {json} does not say which; write {json:/POINTER}");
  CHECK(refusal("{meta:|x}") == "shape: {meta:|x} does not say which; write {meta:NAME}");
  CHECK(refusal("{size|0}") == "shape: {size|0} is always there as it is; write {size}");
  CHECK(refusal("{source:x}") == "shape: {source:x} is always there as it is; write {source}");
  CHECK(refusal("{json:device|x}") ==
        "shape: {json:device|x}: a JSON pointer begins with a slash; write {json:/device|x}");
  CHECK(refusal("{json:/a~b}") ==
        "shape: {json:/a~b}: in a JSON pointer ~1 stands for a slash in a name and ~0 for a "
        "tilde; after a tilde comes nothing else");
  CHECK(refusal("a { b") == "shape: a '{' is not closed; write {{ for a literal one");
  CHECK(refusal("a } b") == "shape: a '}' has no '{' before it; write }} for a literal one");
}
