// SPDX-License-Identifier: Apache-2.0
#include "match/matcher.h"

#include <catch2/catch.hpp>
#include <string>
#include <string_view>

#include "kit.h"

using namespace standpipe::match;

namespace {

Rule text(Op op, std::string_view wanted) { return text_rule(op, wanted); }

// The handlers that get the payload, as "0,2".
std::string went(const Matcher& m, std::string_view payload) {
  std::vector<std::uint64_t> set(m.words());
  const bool wanted = m.match({bytes(payload)}, set);
  std::string out = wanted ? "" : "unmatched:";
  for (std::size_t bit = 0; bit < m.handlers().size(); ++bit)
    if (set[bit / 64] >> (bit % 64) & 1) out += std::to_string(m.handlers()[bit]) + ",";
  return out;
}

}  // namespace

TEST_CASE("a message goes to every route that matches, once to each handler") {
  const Matcher m(0, {route(text(Op::prefix, "a"), {4, 7}), route({}, {7})}, {});
  CHECK(went(m, "a") == "4,7,");
  CHECK(went(m, "b") == "7,");
}

TEST_CASE("final stops for what matched, and only for that") {
  const Matcher m(0, {route(text(Op::prefix, "ping"), {1}, true), route({}, {2})}, {});
  CHECK(went(m, "ping 1") == "1,");
  CHECK(went(m, "other") == "2,");
}

TEST_CASE("what no route wants goes to the unmatched handler, or to nobody") {
  CHECK(went(Matcher(0, {route(text(Op::eq, "x"), {1})}, 5), "y") == "unmatched:5,");
  CHECK(went(Matcher(0, {route(text(Op::eq, "x"), {1})}, {}), "y") == "unmatched:");
}

TEST_CASE(
    "what an earlier run gave the unmatched handler alone was wanted by no route, unless one leads "
    "there") {
  const std::uint64_t first = 1, second = 2, both = 3;
  const Matcher apart(0, {route(text(Op::eq, "x"), {1})},
                      5);  // bit 0 is handler 1, bit 1 the unmatched one
  CHECK(apart.only_unmatched({&second, 1}));
  CHECK_FALSE(apart.only_unmatched({&first, 1}));
  CHECK_FALSE(apart.only_unmatched({&both, 1}));
  CHECK_FALSE(Matcher(0, {route(text(Op::eq, "x"), {5})}, 5).only_unmatched({&first, 1}));
  const std::uint64_t none = 0;
  CHECK_FALSE(Matcher(0, {route(text(Op::eq, "x"), {1})}, {}).only_unmatched({&none, 1}));
}

TEST_CASE("routes of other sources do not count") {
  RouteOptions other{"", {1}, {}, {9}, false};
  CHECK(went(Matcher(0, {other}, {}), "y") == "unmatched:");
}

TEST_CASE("more handlers than one word has bits are told apart") {
  std::vector<RouteOptions> routes;
  for (std::size_t h = 0; h < 130; ++h)
    routes.push_back(route(text(Op::eq, std::to_string(h)), {h}));
  const Matcher m(0, routes, {});
  CHECK(m.words() == 3);
  CHECK(went(m, "0") == "0,");
  CHECK(went(m, "64") == "64,");
  CHECK(went(m, "129") == "129,");
}

TEST_CASE("routes without conditions need no look at the payload") {
  CHECK(Matcher(0, {route({}, {1}), route({}, {2})}, {}).constant());
  CHECK(Matcher(0, {route({}, {1}, true), route(text(Op::prefix, "x"), {2})}, {}).constant());
  CHECK_FALSE(Matcher(0, {route(text(Op::prefix, "x"), {2})}, {}).constant());
}

// ---- bits that stay

TEST_CASE(
    "a handler keeps its bit, whatever the order of routes, and a new one gets the first that is "
    "free") {
  const Matcher m(0, {route({}, {9, 4}), route({}, {7})}, {}, {7, Matcher::kNobody, 4});
  CHECK(m.handlers() == std::vector<std::size_t>{7, 9, 4});
  CHECK(went(m, "") == "7,9,4,");
}

TEST_CASE("a handler to which no route leads any more keeps its bit, and gets nothing") {
  const Matcher m(0, {route({}, {4})}, {}, {7, 4});
  CHECK(m.handlers() == std::vector<std::size_t>{7, 4});
  CHECK(went(m, "") == "4,");
  const Matcher none(0, {}, {}, std::vector<std::size_t>(65, 7));
  CHECK(none.words() == 2);
  CHECK(none.constant());
  CHECK(went(none, "") == "unmatched:");
}

TEST_CASE("there is a bit for one handler more at least, to which no route leads") {
  Matcher m(0, {route({}, {4})}, {});
  CHECK(m.add(9) == 1);
  CHECK(m.handlers() == std::vector<std::size_t>{4, 9});
  CHECK(went(m, "") == "4,");
  Matcher full(0, {}, {}, std::vector<std::size_t>(64, 7));
  REQUIRE(full.words() == 2);
  for (std::size_t bit = 64; bit < 128; ++bit) CHECK(full.add(bit) == bit);
  CHECK_FALSE(full.add(1));
}

TEST_CASE("by which route a message goes to a handler is known afterwards") {
  RouteOptions other{"", {1}, {}, {4}, false};
  const std::vector<RouteOptions> routes = {other, route(text(Op::prefix, "a"), {4}),
                                            route(text(Op::prefix, "b"), {4, 7}), route({}, {4})};
  const Matcher m(0, routes, 9);
  const auto asked = [&](std::size_t handler, std::string_view payload) {
    const auto found = m.route_to(handler, {bytes(payload)});
    return found ? static_cast<int>(*found) : -1;
  };
  CHECK(asked(4, "a") == 1);
  CHECK(asked(4, "b") == 2);
  CHECK(asked(4, "c") == 3);
  CHECK(asked(7, "c") == 2);  // the only one that leads there, so it is not looked at
  CHECK(asked(9, "c") == -1);
  CHECK(asked(8, "c") == -1);
}

TEST_CASE("patterns that may be slow are not tried again to say by which route a message came") {
  const auto slow = regex_rule(Subject::text, "a[ab]{200}c");
  const Matcher m(0, {route(slow, {4}), route({}, {4})}, {});
  REQUIRE(m.pattern_cost().steps() > 0);
  CHECK_FALSE(m.route_to(4, {bytes("x")}));
}
