// SPDX-License-Identifier: Apache-2.0
#include "match/rule_text.h"

#include <catch2/catch.hpp>

using namespace standpipe::match;
using Texts = std::vector<std::string>;

namespace {

Rule prefix(std::string_view text) { return text_rule(Op::prefix, text); }

// One rule with the conditions of several.
Rule together(std::vector<Rule> rules) {
  Rule all;
  for (auto& rule : rules)
    all.conditions.insert(all.conditions.end(), rule.conditions.begin(), rule.conditions.end());
  return all;
}

}  // namespace

TEST_CASE("each condition of a rule is a text") {
  CHECK(condition_texts(
            together({text_rule(Op::eq, "a"), prefix("b"), text_rule(Op::suffix, "c"),
                      text_rule(Op::contains, "d\n\"e\""), size_rule(Op::gt, 1),
                      size_rule(Op::gte, 2), size_rule(Op::lt, 3), size_rule(Op::lte, 4)})) ==
        Texts{"text = \"a\"", "text begins with \"b\"", "text ends in \"c\"",
              "text has \"d\\n\\\"e\\\"\"", "size > 1", "size >= 2", "size < 3", "size <= 4"});
}

TEST_CASE("conditions on a document name what they look at") {
  CHECK(condition_texts(together({json_rule("/type", Op::eq, Value::string("order")),
                                  json_rule("/amount", Op::gte, Value::integer(1000)),
                                  json_rule("/a", Op::exists, Value::boolean(true)),
                                  json_rule("/b", Op::exists, Value::boolean(false)),
                                  json_rule("/c", Op::ne, Value::null())})) ==
        Texts{"/type = \"order\"", "/amount >= 1000", "/a is there", "/b is not there",
              "/c is there and not null"});
}

TEST_CASE("long operands are whole, so that different ones differ") {
  const std::string same(1000, 's');
  CHECK(condition_texts(prefix(same + "a")) != condition_texts(prefix(same + "b")));
}

TEST_CASE("an empty rule has no condition") { CHECK(condition_texts(Rule{}).empty()); }

TEST_CASE("all of all is one list, and any of one is that one") {
  const Rule nested{.all = {Rule{.all = {prefix("a")}}, Rule{.any = std::vector{prefix("b")}}}};
  CHECK(condition_texts(nested) == Texts{"text begins with \"a\"", "text begins with \"b\""});
}

TEST_CASE("any and not are one text each, which says what they join") {
  const auto both = together({prefix("a"), size_rule(Op::gt, 1)});
  CHECK(condition_texts({.any = std::vector{prefix("a"), both}}) ==
        Texts{"(text begins with \"a\" or (text begins with \"a\" and size > 1))"});
  CHECK(condition_texts({.none = {both}}) == Texts{"not (text begins with \"a\" and size > 1)"});
  CHECK(condition_texts({.any = std::vector{Rule{}, prefix("a")}}) ==
        Texts{"(anything or text begins with \"a\")"});
}

TEST_CASE("for a person a rule is one line, cut at a character where it is long") {
  CHECK(rule_text(Rule{}) == "everything");
  CHECK(rule_text(together({prefix("a"), size_rule(Op::gt, 1)})) ==
        "text begins with \"a\", size > 1");
  std::string umlauts;
  for (int i = 0; i < 500; ++i) umlauts += "\xc3\xbc";
  const auto text = rule_text(prefix(umlauts));
  CHECK(text.size() < 250);
  CHECK(text.ends_with("\xc3\xbc..."));
}
