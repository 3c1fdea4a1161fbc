// SPDX-License-Identifier: Apache-2.0
#include "match/matcher.h"

#include <catch2/catch.hpp>
#include <string_view>

using namespace standpipe::match;

namespace {

std::span<const std::byte> bytes(std::string_view s) { return std::as_bytes(std::span(s.data(), s.size())); }

Rule text(TextRule t) { return {.text = std::move(t)}; }
RouteOptions route(Rule rule, std::vector<std::size_t> to, bool final = false) {
  return {"", {0}, std::move(rule), std::move(to), final};
}

// The handlers that get the payload, as "0,2".
std::string went(const Matcher& m, std::string_view payload) {
  std::vector<std::uint64_t> set(m.words());
  const bool wanted = m.match(bytes(payload), set);
  std::string out = wanted ? "" : "unmatched:";
  for (std::size_t bit = 0; bit < m.handlers().size(); ++bit)
    if (set[bit / 64] >> (bit % 64) & 1) out += std::to_string(m.handlers()[bit]) + ",";
  return out;
}

}  // namespace

TEST_CASE("text conditions compare bytes") {
  CHECK(matches(text({.equals = "ping"}), bytes("ping")));
  CHECK_FALSE(matches(text({.equals = "ping"}), bytes("ping ")));
  CHECK(matches(text({.prefix = "pi", .suffix = "ng"}), bytes("ping")));
  CHECK_FALSE(matches(text({.prefix = "pi", .suffix = "nk"}), bytes("ping")));
  CHECK(matches(text({.contains = std::string("\0b", 2)}), bytes(std::string_view("a\0b", 3))));
  CHECK(matches(text({.contains = ""}), bytes("")));
  CHECK_FALSE(matches(text({.contains = "x"}), {}));
  CHECK(matches(text({.equals = ""}), bytes("")));
}

TEST_CASE("size conditions are in bytes of payload") {
  CHECK(matches({.size = SizeRule{.gte = 4, .lt = 5}}, bytes("ping")));
  CHECK_FALSE(matches({.size = SizeRule{.gt = 4}}, bytes("ping")));
  CHECK_FALSE(matches({.size = SizeRule{.lte = 3}}, bytes("ping")));
}

TEST_CASE("all, any and not combine") {
  const Rule rule{.size = SizeRule{.lt = 10},
                  .any = std::vector<Rule>{text({.prefix = "a"}), text({.prefix = "b"})},
                  .none = {text({.contains = "x"})}};
  CHECK(matches(rule, bytes("apple")));
  CHECK(matches(rule, bytes("bread")));
  CHECK_FALSE(matches(rule, bytes("cake")));
  CHECK_FALSE(matches(rule, bytes("box")));
  CHECK_FALSE(matches(rule, bytes("a very long one")));
  CHECK_FALSE(matches({.any = std::vector<Rule>{}}, bytes("")));
}

TEST_CASE("a message goes to every route that matches, once to each handler") {
  const Matcher m(0, {route(text({.prefix = "a"}), {4, 7}), route({}, {7})}, {});
  CHECK(went(m, "a") == "4,7,");
  CHECK(went(m, "b") == "7,");
}

TEST_CASE("final stops for what matched, and only for that") {
  const Matcher m(0, {route(text({.prefix = "ping"}), {1}, true), route({}, {2})}, {});
  CHECK(went(m, "ping 1") == "1,");
  CHECK(went(m, "other") == "2,");
}

TEST_CASE("what no route wants goes to the unmatched handler, or to nobody") {
  CHECK(went(Matcher(0, {route(text({.equals = "x"}), {1})}, 5), "y") == "unmatched:5,");
  CHECK(went(Matcher(0, {route(text({.equals = "x"}), {1})}, {}), "y") == "unmatched:");
}

TEST_CASE("what an earlier run gave the unmatched handler alone was wanted by no route, unless one leads there") {
  const std::uint64_t first = 1, second = 2, both = 3;
  const Matcher apart(0, {route(text({.equals = "x"}), {1})}, 5);  // bit 0 is handler 1, bit 1 the unmatched one
  CHECK(apart.only_unmatched({&second, 1}));
  CHECK_FALSE(apart.only_unmatched({&first, 1}));
  CHECK_FALSE(apart.only_unmatched({&both, 1}));
  CHECK_FALSE(Matcher(0, {route(text({.equals = "x"}), {5})}, 5).only_unmatched({&first, 1}));
  const std::uint64_t none = 0;
  CHECK_FALSE(Matcher(0, {route(text({.equals = "x"}), {1})}, {}).only_unmatched({&none, 1}));
}

TEST_CASE("routes of other sources do not count") {
  RouteOptions other{"", {1}, {}, {9}, false};
  CHECK(went(Matcher(0, {other}, {}), "y") == "unmatched:");
}

TEST_CASE("more handlers than one word has bits are told apart") {
  std::vector<RouteOptions> routes;
  for (std::size_t h = 0; h < 130; ++h) routes.push_back(route(text({.equals = std::to_string(h)}), {h}));
  const Matcher m(0, routes, {});
  CHECK(m.words() == 3);
  CHECK(went(m, "0") == "0,");
  CHECK(went(m, "64") == "64,");
  CHECK(went(m, "129") == "129,");
}

TEST_CASE("routes without conditions need no look at the payload") {
  CHECK(Matcher(0, {route({}, {1}), route({}, {2})}, {}).constant());
  CHECK(Matcher(0, {route({}, {1}, true), route(text({.prefix = "x"}), {2})}, {}).constant());
  CHECK_FALSE(Matcher(0, {route(text({.prefix = "x"}), {2})}, {}).constant());
}
