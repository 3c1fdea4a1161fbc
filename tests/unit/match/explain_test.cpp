// SPDX-License-Identifier: Apache-2.0
#include "match/explain.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "base/text.h"
#include "kit.h"
#include "match/pattern_cost.h"

using namespace standpipe;
using namespace standpipe::match;

namespace {

Explanation explained(const std::vector<RouteOptions>& routes, std::string_view payload,
                      std::optional<std::size_t> unmatched = {}) {
  return explain(0, routes, unmatched, {bytes(payload)}, 1000);
}
std::string reason(const Rule& rule, std::string_view payload) {
  const auto route = explained({match::route(rule, {1})}, payload).routes.at(0);
  return (route.matched ? "yes " : "no ") + route.reason;
}

constexpr std::string_view kOrder = R"({"type":"order","amount":12})";

}  // namespace

TEST_CASE("a route that does not match says which condition failed and what it saw") {
  const auto type = json_rule("/type", Op::eq, Value::string("order"));
  const auto amount = json_rule("/amount", Op::gte, Value::integer(1000));
  CHECK(reason(both(type, amount), kOrder) == "no /amount = 12, wanted >= 1000");
  CHECK(reason(type, kOrder) == "yes /type = \"order\"");
  CHECK(reason(json_rule("/x", Op::eq, Value::integer(1)), kOrder) ==
        "no /x is not there, wanted = 1");
  CHECK(reason(json_rule("/amount", Op::lt, Value::integer(20)), kOrder) ==
        "yes /amount = 12, < 20");
  CHECK(reason(text_rule(Op::prefix, "ping"), "pong") ==
        "no text = \"pong\", wanted prefix \"ping\"");
  CHECK(reason(size_rule(Op::gt, 9), "pong") == "no size = 4, wanted > 9");
  CHECK(reason(meta_rule("key", Op::eq, Value::string("k")), "") ==
        "no meta key is not there, wanted = \"k\"");
  CHECK(reason(regex_rule(Subject::json, "^x", "/type"), kOrder) ==
        "no /type = \"order\", wanted regex \"^x\"");
  CHECK(reason({}, "") == "yes takes every message");
}

TEST_CASE("a not is explained by what is within it") {
  const auto type = json_rule("/type", Op::eq, Value::string("order"));
  CHECK(reason(negated(type), kOrder) == "no /type = \"order\", wanted not = \"order\"");
  CHECK(reason(negated(type), R"({"type":"x"})") == "yes /type = \"x\", not = \"order\"");
}

TEST_CASE("whether something is there is explained in words") {
  const auto exists = [](bool is_there) {
    return json_rule("/type", Op::exists, Value::boolean(is_there));
  };
  CHECK(reason(exists(true), kOrder) == "yes /type = \"order\"");
  CHECK(reason(exists(true), "{}") == "no /type is not there, wanted it to be there");
  CHECK(reason(exists(false), "{}") == "yes /type is not there");
  CHECK(reason(exists(false), kOrder) == "no /type = \"order\", wanted it not to be there");
  CHECK(reason(negated(exists(true)), kOrder) == "no /type = \"order\", wanted it not to be there");
  CHECK(reason(negated(exists(true)), "{}") == "yes /type is not there");
  CHECK(reason(exists(true), "hello") == "no not JSON at byte 0, wanted /type to be there");
}

TEST_CASE("what could not be looked into is explained by why") {
  const auto type = json_rule("/type", Op::eq, Value::string("order"));
  CHECK(reason(type, "{\"type\"") == "no not JSON at byte 7, wanted /type = \"order\"");
  const std::string no_not = " (a `not` takes only what can be looked into)";
  CHECK(reason(negated(type), "hello") ==
        "no not JSON at byte 0, wanted /type not = \"order\"" + no_not);
  CHECK(reason(negated(negated(type)), "hello") ==
        "no not JSON at byte 0, wanted /type = \"order\"");
  const auto is_there = json_rule("/type", Op::exists, Value::boolean(true));
  CHECK(reason(negated(is_there), "hello") ==
        "no not JSON at byte 0, wanted /type not to be there" + no_not);
  const std::string deep = std::string(2000, '[') + std::string(2000, ']');
  CHECK(reason(text_rule(Op::prefix, "x"), deep) ==
        "no 4,000 bytes, larger than match_max (1000B), wanted text prefix \"x\"");
  const auto payload = [](std::string_view text) {
    return explain(0, {}, {}, {bytes(text)}, 10'000).payload;
  };
  CHECK(payload(kOrder) == "28 bytes, JSON");
  CHECK(payload("hello") == "5 bytes, not JSON at byte 0");
  CHECK(payload(deep) == "4,000 bytes, nested deeper than 1,024");
  CHECK(payload(std::string(10'001, 'x')) == "10,001 bytes, larger than match_max (10000B)");
}

TEST_CASE("a final route ends it, and what comes after it was not reached") {
  RouteOptions other{"other", {1}, {}, {9}, false};
  const auto all = explained(
      {other, route(text_rule(Op::prefix, "p"), {4, 2}), route({}, {2, 3}, true), route({}, {5})},
      "ping");
  REQUIRE(all.routes.size() == 3);
  CHECK(all.routes[0].number == 1);
  CHECK(all.routes[1].matched);
  CHECK_FALSE(all.routes[2].reached);
  CHECK(all.stopped_by == 1);
  CHECK(all.handlers == std::vector<std::size_t>{4, 2, 3});
  CHECK_FALSE(all.unmatched);
}

TEST_CASE("what no route takes is the unmatched handler's, if there is one") {
  const std::vector<RouteOptions> routes{route(text_rule(Op::prefix, "p"), {1})};
  CHECK(explained(routes, "x", 7).handlers == std::vector<std::size_t>{7});
  CHECK(explained(routes, "x", 7).unmatched);
  CHECK(explained(routes, "x").handlers.empty());
}

TEST_CASE("a condition that came from a file has its place in the reason") {
  auto rule = text_rule(Op::prefix, "p");
  rule.conditions[0].place = {"orders.yaml", 66, 25};
  CHECK(explained({route(rule, {1})}, "x").routes[0].place.text() == "orders.yaml:66:25");
  CHECK(Place{}.text().empty());
}

TEST_CASE("a text that is too long for a pattern says so, whatever its condition would be") {
  const auto slow = regex_rule(Subject::text, "a[ab]{200}c");
  const std::vector<RouteOptions> routes{route(slow, {1}), route(negated(slow), {1})};
  const auto most = PatternCost(0, routes).bytes_max();
  const std::string text(most + 1, 'x');
  const auto said = explain(0, routes, {}, {bytes(text)}, kMatchMaxMost);
  const auto reason = ", too long for a pattern that may be slow: " + thousands(most) +
                      " bytes at most, wanted regex \"a[ab]{200}c\"";
  for (const auto& route : said.routes) {
    CHECK_FALSE(route.matched);
    CHECK(route.reason.ends_with(reason));
  }
  const auto shorter =
      explain(0, routes, {}, {bytes(std::string_view(text).substr(1))}, kMatchMaxMost);
  CHECK(shorter.routes[1].matched);
}
