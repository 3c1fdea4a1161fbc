// SPDX-License-Identifier: Apache-2.0
#include "config/reach.h"

#include <catch2/catch.hpp>
#include <chrono>

using namespace standpipe;
using Hidden = std::vector<std::optional<std::size_t>>;

namespace {

match::Rule prefix(const std::string& text) { return match::text_rule(match::Op::prefix, text); }

match::RouteOptions route(std::vector<std::size_t> from, match::Rule rule, std::size_t to,
                          bool final = false) {
  return {.name = {}, .from = std::move(from), .rule = std::move(rule), .to = {to}, .final = final};
}

// Two sources, three handlers.
config::Reach reach(std::vector<match::RouteOptions> routes,
                    std::optional<std::size_t> unmatched = std::nullopt) {
  config::HubOptions hub;
  for (const auto* name : {"x", "y"}) hub.sources.push_back({.name = name, .path = {}});
  for (const auto* name : {"a", "b", "c"}) hub.handlers.push_back({.name = name, .values = {}});
  hub.routes = std::move(routes);
  hub.unmatched = unmatched;
  return config::reach_of(hub);
}

}  // namespace

TEST_CASE("after a final route without a condition nothing comes") {
  CHECK(reach({route({0}, {}, 0, true), route({0}, {}, 1), route({0}, prefix("a"), 1)}).hidden_by ==
        Hidden{{}, 0, 0});
  CHECK(reach({route({0}, {}, 0), route({0}, {}, 1)}).hidden_by == Hidden{{}, {}});
}

TEST_CASE("a final route hides those that have all of its conditions") {
  auto more = prefix("a");
  more.conditions.push_back(match::size_rule(match::Op::gt, 10).conditions[0]);
  CHECK(reach({route({0}, prefix("a"), 0, true), route({0}, more, 1)}).hidden_by == Hidden{{}, 0});
  CHECK(reach({route({0}, more, 0, true), route({0}, prefix("a"), 1)}).hidden_by == Hidden{{}, {}});
  CHECK(reach({route({0}, prefix("a"), 0, true), route({0}, prefix("b"), 1)}).hidden_by ==
        Hidden{{}, {}});
}

TEST_CASE("a route is hidden when each of its sources hides it") {
  CHECK(reach({route({0}, {}, 0, true), route({0, 1}, {}, 1)}).hidden_by == Hidden{{}, {}});
  CHECK(reach({route({0}, {}, 0, true), route({1}, {}, 0, true), route({0, 1}, {}, 1)}).hidden_by ==
        Hidden{{}, {}, 0});
}

TEST_CASE("a handler is reached by a route that is not hidden, or as unmatched") {
  using Reached = std::vector<bool>;
  CHECK(reach({route({0}, {}, 0, true), route({0}, {}, 1)}).handlers ==
        Reached{true, false, false});
  CHECK(reach({route({0}, prefix("a"), 0)}, 2).handlers == Reached{true, false, true});
  CHECK(reach({route({0, 1}, {}, 0)}, 2).handlers == Reached{true, false, false});
}

TEST_CASE("a source has unmatched messages unless a route of it takes everything") {
  CHECK(reach({route({0}, {}, 0), route({1}, prefix("a"), 0)}).unmatched ==
        std::vector<bool>{false, true});
}

TEST_CASE("a handler that emits brings something to others if messages get to it") {
  using Reached = std::vector<bool>;
  config::HubOptions hub;
  hub.sources.push_back({.name = "x", .path = {}});
  for (const auto* name : {"a", "b", "c", "rest"})
    hub.handlers.push_back({.name = name, .values = {}});
  hub.sources.push_back({.name = "a", .path = {}, .origin = source::Origin::handler, .from = 0});
  hub.sources.push_back({.name = "b", .path = {}, .origin = source::Origin::handler, .from = 1});
  hub.routes = {route({2}, {}, 2), route({1}, {}, 1)};
  CHECK(config::reach_of(hub).handlers == Reached{false, false, false, false});
  hub.routes.push_back(route({0}, {}, 0));
  CHECK(config::reach_of(hub).handlers == Reached{true, true, true, false});
  hub.unmatched = 3;
  CHECK(config::reach_of(hub).handlers == Reached{true, true, true, false});
  hub.routes[0] = route({2}, prefix("a"), 2);
  CHECK(config::reach_of(hub).handlers == Reached{true, true, true, true});
}

TEST_CASE("many routes that have a condition in common take no square of the time") {
  std::vector<match::RouteOptions> routes;
  for (int i = 0; i < 20'000; ++i) {
    auto rule = prefix("common");
    rule.conditions.push_back(match::size_rule(match::Op::gt, i).conditions[0]);
    routes.push_back(route({0}, rule, 0, true));
  }
  const auto began = std::chrono::steady_clock::now();
  CHECK(reach(std::move(routes)).handlers[0]);
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(20));  // else it is minutes
}
