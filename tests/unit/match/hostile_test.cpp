// SPDX-License-Identifier: Apache-2.0
//
// What a message may do to those who look into it: nothing. tests/bench prints how long each takes.
#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

#include "kit.h"
#include "match/evaluate.h"
#include "match/explain.h"
#include "match/matcher.h"
#include "match/number.h"
#include "match/pattern_cost.h"

using namespace standpipe;
using namespace standpipe::match;

namespace {

bool takes(const Rule& rule, std::string_view payload) {
  const std::vector<RouteOptions> routes{route(rule, {1})};
  const Matcher matcher(0, routes, {}, {}, kMatchMaxMost);
  std::vector<std::uint64_t> set(1);
  const Message message{bytes(payload)};
  const bool taken = matcher.match(message, set);
  const auto explained = explain(0, routes, {}, message, kMatchMaxMost);
  CHECK(explained.routes.at(0).matched == taken);
  CHECK(explained.routes[0].reason.size() < 1000);
  return taken;
}

Rule exists(std::string_view pointer) {
  return json_rule(pointer, Op::exists, Value::boolean(true));
}

std::string random_ab(std::size_t bytes) {
  std::string text;
  for (std::uint32_t x = 1; text.size() < bytes;) {
    x = x * 1664525 + 1013904223;
    text += x >> 31 ? 'a' : 'b';
  }
  return text;
}

// What so many routes with that rule say to a text of that size: "no", or "unknown".
std::string unseen(const Rule& rule, std::size_t routes, std::size_t size) {
  const std::vector<RouteOptions> all(routes, route(rule, {1}));
  const PatternCost cost(0, all);
  CHECK((cost.slowest() == nullptr || cost.steps() * cost.bytes_max() <= kPatternStepsMax));
  const Matcher matcher(0, all, {}, {}, kMatchMaxMost);
  std::vector<std::uint64_t> set(1);
  const std::string text(size, 'x');  // has none of their letters, so it is quick
  const Message message{bytes(text)};
  CHECK_FALSE(matcher.match(message, set));
  Json json;
  Look look(message, json, {kMatchMaxMost, cost.bytes_max()});
  const auto truth = evaluate(rule, look).truth;
  CHECK(truth != Truth::yes);
  CHECK((truth == Truth::unknown) == matcher.has_left_patterns());
  return truth == Truth::unknown ? "unknown" : "no";
}

}  // namespace

TEST_CASE("JSON that is nested 100,000 deep is none") {
  const std::string open(100'000, '['), close(100'000, ']');
  CHECK_FALSE(takes(exists("/0/0"), open + close));
  CHECK_FALSE(takes(exists("/0/0"), open));
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  CHECK_FALSE(takes(exists("/a/a"), objects));
}

TEST_CASE("a pointer as long as a pointer can be finds its way as deep as a document can be") {
  std::string pointer, document;
  for (int i = 0; i < 1000; ++i) {
    pointer += "/a";
    document += "{\"a\":";
  }
  CHECK(takes(exists(pointer), document + "1" + std::string(1000, '}')));
  for (int i = 0; i < 5; ++i) pointer += pointer;
  CHECK_FALSE(takes(exists(pointer), document + "1" + std::string(1000, '}')));
}

TEST_CASE("a catastrophic pattern is linear here, in 16 MiB, too") {
  const std::string text(16 * MiB, 'a');
  CHECK_FALSE(takes(regex_rule(Subject::text, "(a+)+$b"), text));
  CHECK_FALSE(takes(regex_rule(Subject::text, "(x+x+)+y"), std::string(1 * MiB, 'x')));
  CHECK(takes(regex_rule(Subject::text, "(a*)*a$"), text));
}

TEST_CASE("a pattern whose automaton does not fit into its memory is slow, and right") {
  CHECK(takes(regex_rule(Subject::text, "a[ab]{40}$"), random_ab(200'000) + std::string(41, 'a')));
  CHECK_FALSE(takes(regex_rule(Subject::text, "a[ab]{40}c"), random_ab(200'000)));
}

TEST_CASE("patterns that may be slow are not tried where they would cost more than they may") {
  const auto catastrophic = regex_rule(Subject::text, "(a|b)*a[ab]{900}c");
  const auto& regex = *catastrophic.conditions[0].regex;
  CHECK(unseen(catastrophic, 1, kPatternStepsMax / regex.steps()) == "no");
  CHECK(unseen(catastrophic, 1, kPatternStepsMax / regex.steps() + 1) == "unknown");
  CHECK(unseen(catastrophic, 8, 40'000) == "unknown");
  CHECK(unseen(catastrophic, 8, kPatternStepsMax / (8 * regex.steps())) == "no");
  CHECK(unseen(regex_rule(Subject::text, "a[ab]{200}c"), 1, 16 * MiB) == "unknown");
  CHECK(unseen(negated(regex_rule(Subject::text, "a[ab]{200}c")), 1, 16 * MiB) == "unknown");
  CHECK(unseen(regex_rule(Subject::text, "(a+)+$b"), 8, 16 * MiB) == "no");
}

TEST_CASE("a long text in a document, or in metadata, is no way around that") {
  const auto text = random_ab(1 * MiB);
  CHECK_FALSE(takes(regex_rule(Subject::json, "a[ab]{200}c", "/a"), "{\"a\":\"" + text + "c\"}"));
  CHECK(takes(
      regex_rule(Subject::json, "a[ab]{200}c", "/b"),
      "{\"a\":\"" + text + "\",\"b\":\"" + random_ab(1000) + "a" + std::string(200, 'b') + "c\"}"));
  auto rule = regex_rule(Subject::meta, "a[ab]{200}c");
  rule.conditions[0].name = "key";
  Json json;
  const std::vector<Meta> meta{{"key", text}};
  const std::vector<RouteOptions> routes{route(rule, {1})};
  Look look({bytes("x"), meta}, json, {1000, PatternCost(0, routes).bytes_max()});
  CHECK(evaluate(rule, look).truth == Truth::unknown);
}

TEST_CASE("bytes that are not UTF-8 are no JSON, and text all the same") {
  const std::string payload = "{\"a\":\"\xff\"}";
  CHECK_FALSE(takes(exists("/a"), payload));
  CHECK(takes(text_rule(Op::contains, "\xff"), payload));
  CHECK(takes(text_rule(Op::prefix, "{"), payload));
}

TEST_CASE("numbers of 1,000 digits are numbers") {
  const auto digits = std::string(1000, '9');
  const auto greater = json_rule("/a", Op::gt, Value::natural(UINT64_MAX));
  CHECK(takes(greater, "{\"a\":" + digits + "}"));
  CHECK(takes(greater, "{\"a\":" + digits + ".5}"));
  CHECK_FALSE(takes(greater, "{\"a\":-" + digits + "}"));
  CHECK(takes(json_rule("/a", Op::lt, Value::number(1e-300)),
              "{\"a\":0." + std::string(1000, '0') + "1}"));
  CHECK(takes(json_rule("/b", Op::eq, Value::integer(1)), "{\"a\":" + digits + ",\"b\":1}"));
  std::string wanted;
  const auto exact = json_rule("/a", Op::eq, json_number(digits, wanted).value());
  CHECK(takes(exact, "{\"a\":" + digits + "}"));
  CHECK_FALSE(takes(exact, "{\"a\":" + digits.substr(1) + "8}"));
  CHECK_FALSE(takes(exact, "{\"a\":" + digits + "0}"));
  CHECK_FALSE(takes(exact, "{\"a\":1e1000}"));
}

TEST_CASE("100,000 numbers beyond 64 bits are told apart") {
  std::string document = "[0";
  for (int i = 0; i < 100'000; ++i) document += ",1000000000000000000000" + std::to_string(i);
  document += "]";
  std::string digits;
  const auto last = json_number("100000000000000000000099999", digits).value();
  CHECK(takes(json_rule("/100000", Op::eq, last), document));
  CHECK_FALSE(takes(json_rule("/99999", Op::eq, last), document));
  CHECK(takes(json_rule("/0", Op::eq, Value::integer(0)), document));
}

TEST_CASE("names with slashes, tildes and NUL are found as they are") {
  const std::string document = R"({"a/b":1,"m~n":2,"x\u0000y":3,"~1":4})";
  CHECK(takes(json_rule("/a~1b", Op::eq, Value::integer(1)), document));
  CHECK(takes(json_rule("/m~0n", Op::eq, Value::integer(2)), document));
  CHECK(takes(json_rule(std::string_view("/x\0y", 4), Op::eq, Value::integer(3)), document));
  CHECK(takes(json_rule("/~01", Op::eq, Value::integer(4)), document));
  CHECK_FALSE(takes(exists("/x"), document));
}

TEST_CASE("many elements of a large array are found in one walk") {
  std::string document = "[0";
  for (int i = 1; i < 100'000; ++i) document += "," + std::to_string(i);
  document += "]";
  std::vector<Rule> all;
  for (int i = 0; i < 300; ++i)
    all.push_back(json_rule("/" + std::to_string(99'000 + i), Op::eq, Value::integer(99'000 + i)));
  CHECK(takes({.all = std::move(all)}, document));
}

TEST_CASE("a key a thousand times over is one key") {
  std::string document = "{";
  for (int i = 0; i < 1000; ++i) document += "\"a\":{\"b\":" + std::to_string(i) + "},";
  document += "\"a\":{\"c\":1}}";
  CHECK_FALSE(takes(exists("/a/b"), document));
  CHECK(takes(exists("/a/c"), document));
}
