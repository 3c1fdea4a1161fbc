// SPDX-License-Identifier: Apache-2.0
#include "config/variables.h"

#include <catch2/catch.hpp>
#include <map>
#include <string>

using standpipe::config::expand;

namespace {

std::optional<std::string> lookup(const std::string& name) {
  static const std::map<std::string, std::string> all{
      {"USER", "ann"}, {"EMPTY", ""}, {"NESTED", "${USER}"}, {"_a1", "x"}};
  const auto at = all.find(name);
  return at == all.end() ? std::nullopt : std::optional(at->second);
}

std::string text(std::string_view written) {
  const auto expanded = expand(written, lookup, 100);
  CHECK(expanded.problem.empty());
  return expanded.text;
}
std::string problem(std::string_view written) { return expand(written, lookup, 100).problem; }

}  // namespace

TEST_CASE("a variable is replaced by its value, wherever it stands and however often") {
  CHECK(text("${USER}") == "ann");
  CHECK(text("/run/${USER}/${USER}.log") == "/run/ann/ann.log");
  CHECK(text("${_a1}") == "x");
  CHECK(text("${EMPTY}").empty());
}

TEST_CASE("a default is for a variable that is not set, or empty") {
  CHECK(text("${NONE:-fallback}") == "fallback");
  CHECK(text("${EMPTY:-fallback}") == "fallback");
  CHECK(text("${USER:-fallback}") == "ann");
  CHECK(text("${NONE:-}").empty());
  CHECK(text("${NONE:-a:?b}") == "a:?b");
}

TEST_CASE("a variable that must be set says so in its own words") {
  CHECK(text("${USER:?who}") == "ann");
  CHECK(problem("${NONE:?name the user}") == "NONE: name the user");
  CHECK(problem("${EMPTY:?name the user}") == "EMPTY: name the user");
  CHECK(problem("${NONE:?}") == "the variable NONE is not set");
  CHECK(problem("${NONE}") == "the variable NONE is not set");
}

TEST_CASE("what is no variable stays: a dollar, and the escaped beginning of one") {
  CHECK(text("5$ and $USER") == "5$ and $USER");
  CHECK(text("$${USER}") == "${USER}");
  CHECK(text("$$$") == "$$$");
  CHECK(text("").empty());
}

TEST_CASE("what a variable brings is not expanded again") { CHECK(text("${NESTED}") == "${USER}"); }

TEST_CASE("what is written wrongly is named as it is written") {
  for (const auto* wrong : {"${}", "${1a}", "${a-b}", "${USER:+x}", "${USER:}", "${ USER}"}) {
    const auto expanded = expand(std::string("a ") + wrong + " b", lookup, 100);
    CHECK(expanded.problem == std::string("'") + wrong + "' is not a variable");
    CHECK(expanded.where == wrong);
  }
  CHECK(problem("${USER") == "a variable without its closing brace");
  CHECK(problem("${NONE:-${USER}}") == "a variable inside another's default");
}

TEST_CASE("no more text is made than was allowed") {
  CHECK(expand("${USER}${USER}", lookup, 6).text == "annann");
  CHECK(expand("${USER}${USER}", lookup, 5).problem == "variables expand to too much text");
  CHECK(expand("abcdef", lookup, 5).problem == "variables expand to too much text");
}
