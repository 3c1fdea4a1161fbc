// SPDX-License-Identifier: Apache-2.0
#include "match/pattern_cost.h"

#include <catch2/catch.hpp>
#include <string>

#include "kit.h"

using namespace standpipe;
using namespace standpipe::match;

namespace {

Rule slow(const std::string& pattern = "a[ab]{200}c") { return regex_rule(Subject::text, pattern); }

std::uint64_t steps_of(const Rule& rule) { return rule.conditions[0].regex->steps(); }

}  // namespace

TEST_CASE("patterns that cannot be slow are tried on any text") {
  const std::vector<RouteOptions> routes{route(regex_rule(Subject::text, "^order.*paid"), {1}),
                                         route(text_rule(Op::contains, "x"), {1})};
  const PatternCost cost(0, routes);
  CHECK(cost.bytes_max() == UINT64_MAX);
  CHECK(cost.slowest() == nullptr);
  CHECK(cost.steps() == 0);
  CHECK(PatternCost().bytes_max() == UINT64_MAX);
}

TEST_CASE("all that may be slow share what a message may cost") {
  const std::vector<RouteOptions> one{route(slow(), {1})};
  CHECK(PatternCost(0, one).bytes_max() == kPatternStepsMax / steps_of(slow()));
  std::vector<RouteOptions> routes{route(slow(), {1}),
                                   route(any_of({slow(), negated(slow("b[ab]{300}c"))}), {1}),
                                   route({.all = {slow()}}, {1})};
  const PatternCost cost(0, routes);
  CHECK(cost.bytes_max() ==
        kPatternStepsMax / (3 * steps_of(slow()) + steps_of(slow("b[ab]{300}c"))));
  CHECK(cost.steps() * cost.bytes_max() <= kPatternStepsMax);
  REQUIRE(cost.slowest());
  CHECK(cost.slowest()->regex->pattern() == "b[ab]{300}c");
}

TEST_CASE("routes of other sources, and routes that nothing gets to, cost nothing") {
  auto other = route(slow(), {1});
  other.from = {1};
  const std::vector<RouteOptions> routes{other, route({}, {1}, true), route(slow(), {1})};
  CHECK(PatternCost(0, routes).bytes_max() == UINT64_MAX);
  CHECK(PatternCost(1, routes).bytes_max() < UINT64_MAX);
}
