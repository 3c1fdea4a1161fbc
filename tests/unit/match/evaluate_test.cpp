// SPDX-License-Identifier: Apache-2.0
#include "match/evaluate.h"

#include <array>
#include <catch2/catch.hpp>
#include <string>

#include "kit.h"

using namespace standpipe::match;

namespace {

Truth truth(const Rule& rule, std::string_view payload, std::span<const Meta> meta = {}) {
  Json json;
  Look look({bytes(payload), meta}, json, {1000});
  return evaluate(rule, look).truth;
}
bool matches(const Rule& rule, std::string_view payload) {
  return truth(rule, payload) == Truth::yes;
}
bool json(Op op, const Value& wanted, std::string_view payload) {
  return matches(json_rule("/a", op, wanted), payload);
}

}  // namespace

TEST_CASE("text conditions compare bytes") {
  CHECK(matches(text_rule(Op::eq, "ping"), "ping"));
  CHECK_FALSE(matches(text_rule(Op::eq, "ping"), "ping "));
  CHECK(matches(both(text_rule(Op::prefix, "pi"), text_rule(Op::suffix, "ng")), "ping"));
  CHECK_FALSE(matches(both(text_rule(Op::prefix, "pi"), text_rule(Op::suffix, "nk")), "ping"));
  CHECK(matches(text_rule(Op::contains, std::string_view("\0b", 2)), std::string_view("a\0b", 3)));
  CHECK(matches(text_rule(Op::contains, ""), ""));
  CHECK_FALSE(matches(text_rule(Op::contains, "x"), {}));
  CHECK(matches(text_rule(Op::eq, ""), ""));
  CHECK(matches(regex_rule(Subject::text, "p.n"), "ping"));
  CHECK_FALSE(matches(regex_rule(Subject::text, "^n"), "ping"));
}

TEST_CASE("size conditions are in bytes of payload") {
  CHECK(matches(both(size_rule(Op::gte, 4), size_rule(Op::lt, 5)), "ping"));
  CHECK_FALSE(matches(size_rule(Op::gt, 4), "ping"));
  CHECK_FALSE(matches(size_rule(Op::lte, 3), "ping"));
}

TEST_CASE("JSON values are compared by what they are, not by how they are written") {
  CHECK(json(Op::eq, Value::integer(1), R"({"a":1})"));
  CHECK(json(Op::eq, Value::integer(1), R"({"a":1.0})"));
  CHECK(json(Op::eq, Value::integer(1), R"({"a":10e-1})"));
  CHECK_FALSE(json(Op::eq, Value::integer(1), R"({"a":"1"})"));
  CHECK_FALSE(json(Op::eq, Value::integer(1), R"({"a":true})"));
  CHECK_FALSE(json(Op::eq, Value::integer(9007199254740992), R"({"a":9007199254740993})"));
  CHECK(json(Op::eq, Value::string("x\"y"), R"({"a":"x\u0022y"})"));
  CHECK(json(Op::eq, Value::null(), R"({"a":null})"));
  CHECK_FALSE(json(Op::eq, Value::null(), R"({})"));
}

TEST_CASE("numbers are ordered among numbers and text among text") {
  CHECK(json(Op::gte, Value::integer(1000), R"({"a":1000})"));
  CHECK_FALSE(json(Op::gt, Value::integer(1000), R"({"a":1000.0})"));
  CHECK(json(Op::lt, Value::number(0.5), R"({"a":-3})"));
  CHECK_FALSE(json(Op::lte, Value::integer(5), R"({"a":"3"})"));
  CHECK(json(Op::gt, Value::string("2024-01"), R"({"a":"2024-02-01"})"));
  CHECK_FALSE(json(Op::gt, Value::string("1"), R"({"a":2})"));
  CHECK(json(Op::gt, Value::natural(UINT64_MAX), R"({"a":18446744073709551616})"));
  CHECK(json(Op::lt, Value::integer(INT64_MIN), R"({"a":-9223372036854775809})"));
}

TEST_CASE("a field that is missing fails all conditions but that it is missing") {
  const std::string_view empty = "{}";
  CHECK_FALSE(json(Op::eq, Value::integer(1), empty));
  CHECK_FALSE(json(Op::ne, Value::integer(1), empty));
  CHECK_FALSE(json(Op::lt, Value::integer(1), empty));
  CHECK_FALSE(json(Op::exists, Value::boolean(true), empty));
  CHECK(json(Op::exists, Value::boolean(false), empty));
  CHECK(json(Op::ne, Value::integer(1), R"({"a":[]})"));
  CHECK(json(Op::exists, Value::boolean(true), R"({"a":null})"));
  CHECK(matches(negated(json_rule("/a", Op::eq, Value::integer(1))), empty));
}

TEST_CASE("one of several values will do") {
  auto rule = json_rule("/a", Op::in, Value::integer(1));
  rule.conditions[0].operands.emplace_back(Value::string("x"));
  CHECK(matches(rule, R"({"a":1.0})"));
  CHECK(matches(rule, R"({"a":"x"})"));
  CHECK_FALSE(matches(rule, R"({"a":2})"));
}

TEST_CASE("metadata matches by any value of its name") {
  const std::array meta{Meta{"key", "k1"}, Meta{"key", "k2"}, Meta{"fifo", "/run/in"}};
  const auto with = [&](Op op, const char* name, const char* wanted) {
    return truth(meta_rule(name, op, Value::string(wanted)), "", meta) == Truth::yes;
  };
  CHECK(with(Op::eq, "key", "k1"));
  CHECK(with(Op::eq, "key", "k2"));
  CHECK_FALSE(with(Op::eq, "key", "k3"));
  CHECK(with(Op::prefix, "fifo", "/run/"));
  CHECK_FALSE(with(Op::prefix, "topic", ""));
  CHECK(truth(meta_rule("topic", Op::exists, Value::boolean(false)), "", meta) == Truth::yes);
  CHECK(truth(meta_rule("key", Op::exists, Value::boolean(false)), "", meta) == Truth::no);
}

TEST_CASE("all, any and not combine") {
  auto rule = size_rule(Op::lt, 10);
  rule.any = {text_rule(Op::prefix, "a"), text_rule(Op::prefix, "b")};
  rule.none = {text_rule(Op::contains, "x")};
  CHECK(matches(rule, "apple"));
  CHECK(matches(rule, "bread"));
  CHECK_FALSE(matches(rule, "cake"));
  CHECK_FALSE(matches(rule, "box"));
  CHECK_FALSE(matches(rule, "a very long one"));
  CHECK_FALSE(matches(any_of({}), ""));
  CHECK(matches({.all = {text_rule(Op::prefix, "a"), text_rule(Op::suffix, "e")}}, "apple"));
}

TEST_CASE("what could not be looked into matches neither a condition nor its not") {
  const auto order = json_rule("/type", Op::eq, Value::string("order"));
  CHECK(truth(order, "no JSON") == Truth::unknown);
  CHECK(truth(negated(order), "no JSON") == Truth::unknown);
  CHECK(truth(negated(negated(order)), "no JSON") == Truth::unknown);
  const auto missing = json_rule("/type", Op::exists, Value::boolean(false));
  CHECK(truth(missing, "no JSON") == Truth::unknown);
  const std::string large(1001, 'x');
  CHECK(truth(text_rule(Op::prefix, "x"), large) == Truth::unknown);
  CHECK(truth(negated(text_rule(Op::prefix, "y")), large) == Truth::unknown);
  CHECK(truth(size_rule(Op::gt, 1000), large) == Truth::yes);
  CHECK(truth(text_rule(Op::prefix, "x"), large.substr(1)) == Truth::yes);
}

TEST_CASE("what is unknown decides only where nothing else does") {
  const auto unknown = json_rule("/a", Op::eq, Value::integer(1));
  const auto yes = text_rule(Op::prefix, "x"), no = text_rule(Op::prefix, "y");
  CHECK(truth(both(unknown, yes), "x") == Truth::unknown);
  CHECK(truth(both(unknown, no), "x") == Truth::no);
  CHECK(truth(negated(both(unknown, no)), "x") == Truth::yes);
  CHECK(truth(any_of({unknown, yes}), "x") == Truth::yes);
  CHECK(truth(any_of({unknown, no}), "x") == Truth::unknown);
  CHECK(truth(any_of({no, unknown}), "x") == Truth::unknown);
}
