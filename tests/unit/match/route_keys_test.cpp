// SPDX-License-Identifier: Apache-2.0
#include "match/route_keys.h"

#include <catch2/catch.hpp>
#include <string>

#include "kit.h"

using namespace standpipe::match;

namespace {

// The keys of the last rule.
std::string chosen(const std::vector<Rule>& rules) {
  KeyChooser chooser;
  for (const auto& rule : rules) chooser.add(rule);
  const auto keys = chooser.choose(rules.back());
  if (!keys) return "none";
  std::string out;
  for (const auto& key : *keys)
    out += key.condition->subject_text() + " " + key.condition->wanted_text() + ";";
  return out;
}

Rule type() { return json_rule("/type", Op::eq, Value::string("order")); }
Rule id(std::uint64_t i) { return json_rule("/id", Op::eq, Value::natural(i)); }

}  // namespace

TEST_CASE("of what many routes ask for, each says little") {
  CHECK(chosen({both(type(), id(1)), both(type(), id(2)), both(type(), id(3))}) == "/id = 3;");
  CHECK(chosen({both(type(), id(1)), both(type(), id(1)),
                both(json_rule("/type", Op::eq, Value::string("x")), id(1))}) == "/type = \"x\";");
}

TEST_CASE("a value is a better key than a prefix, and that than a pattern") {
  const auto pattern = regex_rule(Subject::text, "a");
  CHECK(chosen({both(both(pattern, text_rule(Op::prefix, "abc")), id(1))}) == "/id = 1;");
  CHECK(chosen({both(pattern, text_rule(Op::prefix, "abc"))}) == "text prefix \"abc\";");
  CHECK(chosen({both(json_rule("/x", Op::eq, Value::boolean(true)),
                     text_rule(Op::prefix, "abc"))}) == "text prefix \"abc\";");
}

TEST_CASE("one of several needs a key of each") {
  CHECK(chosen({any_of({id(1), text_rule(Op::prefix, "abc")})}) == "/id = 1;text prefix \"abc\";");
  CHECK(chosen({any_of({id(1), size_rule(Op::gt, 1)})}) == "none");
  CHECK(chosen({{.all = {size_rule(Op::gt, 1), id(5)}}}) == "/id = 5;");
}

TEST_CASE("what says nothing of most messages is no key") {
  CHECK(chosen({negated(id(1))}) == "none");
  CHECK(chosen({text_rule(Op::prefix, "")}) == "none");
  CHECK(chosen({text_rule(Op::contains, "abc")}) == "none");
  CHECK(chosen({json_rule("/id", Op::ne, Value::integer(1))}) == "none");
  CHECK(chosen({Rule()}) == "none");
}
