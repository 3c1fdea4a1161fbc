// SPDX-License-Identifier: Apache-2.0
#include "match/compiled_rule.h"

#include <catch2/catch.hpp>
#include <string>

#include "kit.h"

using namespace standpipe::match;

namespace {

Truth truth(const Rule& rule, std::string_view payload) {
  PointerTree pointers;
  const CompiledRule compiled(rule, pointers);
  Workspace workspace;
  const Message message{bytes(payload)};
  CompiledLook look(message, {1000}, pointers, workspace);
  return compiled.evaluate(look);
}

}  // namespace

TEST_CASE("a compiled rule is decided as the rule is") {
  const auto unknown = json_rule("/a", Op::eq, Value::integer(1));
  const auto yes = text_rule(Op::prefix, "x"), no = text_rule(Op::suffix, "y");
  CHECK(truth(both(unknown, yes), "x") == Truth::unknown);
  CHECK(truth(both(unknown, no), "x") == Truth::no);
  CHECK(truth(negated(unknown), "x") == Truth::unknown);
  CHECK(truth(negated(both(unknown, no)), "x") == Truth::yes);
  CHECK(truth(any_of({no, unknown}), "x") == Truth::unknown);
  CHECK(truth(any_of({unknown, yes}), "x") == Truth::yes);
  CHECK(truth(yes, std::string(1001, 'x')) == Truth::unknown);
  CHECK(truth(unknown, R"({"a":1.0})") == Truth::yes);
  CHECK(truth(negated(unknown), R"({"b":1})") == Truth::yes);
  CHECK(truth(text_rule(Op::contains, "y"), "xyz") == Truth::yes);
  CHECK(truth({}, "") == Truth::yes);
}
