// SPDX-License-Identifier: Apache-2.0
#include "match/rule.h"

#include <catch2/catch.hpp>
#include <string>

using namespace standpipe::match;

namespace {

std::string wanted(const Rule& rule) { return rule.conditions[0].wanted_text(); }
std::string subject(const Rule& rule) { return rule.conditions[0].subject_text(); }

Condition one_of(std::size_t count) {
  Condition condition{.subject = Subject::size, .op = Op::in, .operands = {}};
  for (std::size_t i = 1; i <= count; ++i) condition.operands.emplace_back(Value::natural(i));
  return condition;
}

}  // namespace

TEST_CASE("an empty rule is one of no part at all") {
  CHECK(Rule{}.empty());
  CHECK_FALSE(text_rule(Op::eq, "a").empty());
  CHECK_FALSE(Rule{.any = std::vector<Rule>()}.empty());  // none of no rules holds
  CHECK_FALSE(Rule{.all = {Rule()}}.empty());
  CHECK_FALSE(Rule{.none = {Rule()}}.empty());
}

TEST_CASE("what a condition looks at is named as people write it") {
  CHECK(subject(text_rule(Op::eq, "a")) == "text");
  CHECK(subject(size_rule(Op::gt, 5)) == "size");
  CHECK(subject(json_rule("/a/b", Op::eq, Value::natural(1))) == "/a/b");
  CHECK(subject(json_rule("", Op::eq, Value::natural(1))) == "the document");
  const Condition meta{.subject = Subject::meta, .op = Op::exists, .operands = {}, .name = "key"};
  CHECK(meta.subject_text() == "meta key");
}

TEST_CASE("a name that is long or hostile is shown short and harmless") {
  Condition meta{.subject = Subject::meta, .op = Op::exists, .operands = {}};
  meta.name = std::string(101, 'k');
  CHECK(meta.subject_text() == "meta " + std::string(100, 'k') + "...");
  meta.name = std::string(100, 'k');
  CHECK(meta.subject_text() == "meta " + meta.name);
  meta.name = "\x1b[2J";
  CHECK(meta.subject_text().find('\x1b') == std::string::npos);
}

TEST_CASE("what a condition wants is said in words") {
  CHECK(wanted(size_rule(Op::gte, 1000)) == ">= 1000");
  CHECK(wanted(size_rule(Op::lt, 7)) == "< 7");
  CHECK(wanted(text_rule(Op::eq, "ping")) == "= \"ping\"");
  CHECK(wanted(text_rule(Op::ne, "ping")) == "other than \"ping\"");
  CHECK(wanted(text_rule(Op::prefix, "ping")) == "prefix \"ping\"");
  CHECK(wanted(text_rule(Op::contains, "ping")) == "containing \"ping\"");
  CHECK(wanted(json_rule("/a", Op::exists, Value::boolean(true))) == "to be there");
  CHECK(wanted(json_rule("/a", Op::exists, Value::boolean(false))) == "not to be there");
}

TEST_CASE("of many choices the first eight are shown") {
  CHECK(one_of(2).wanted_text() == "one of 1, 2");
  CHECK(one_of(8).wanted_text() == "one of 1, 2, 3, 4, 5, 6, 7, 8");
  CHECK(one_of(9).wanted_text() == "one of 1, 2, 3, 4, 5, 6, 7, 8, ...");
}

TEST_CASE("a place is shown where there is one") {
  CHECK(Place{}.text().empty());
  CHECK(Place{.file = "a\nb.yaml", .line = 3, .column = 5}.text() == "a\\nb.yaml:3:5");
}
