// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "match/evaluate.h"
#include "match/explain.h"
#include "match/matcher.h"
#include "match/pattern_cost.h"

namespace standpipe::match {

// Where a message goes by one of the ways to say so: "0,4", or "unmatched".
struct Way {
  bool wanted = false;
  std::set<std::size_t> handlers = {};
  bool operator==(const Way&) const = default;
};

inline Way by_rules(const std::vector<RouteOptions>& routes, const Message& message,
                    std::uint64_t match_max) {
  Json json;
  Look look(message, json, {match_max, PatternCost(0, routes).bytes_max()});
  Way way;
  for (const auto& route : routes) {
    if (route.from != std::vector<std::size_t>{0}) continue;
    if (evaluate(route.rule, look).truth != Truth::yes) continue;
    way.wanted = true;
    way.handlers.insert(route.to.begin(), route.to.end());
    if (route.final) break;
  }
  return way;
}

inline Way by_matcher(const Matcher& matcher, const Message& message) {
  std::vector<std::uint64_t> set(matcher.words(), ~std::uint64_t{0});
  Way way{matcher.match(message, set)};
  for (std::size_t bit = 0; bit < matcher.words() * 64; ++bit)
    if (set[bit / 64] >> (bit % 64) & 1) way.handlers.insert(matcher.handlers().at(bit));
  return way;
}

inline Way by_explanation(const std::vector<RouteOptions>& routes, const Message& message,
                          std::uint64_t match_max) {
  const auto all = explain(0, routes, {}, message, match_max);
  Way way{!all.unmatched, {all.handlers.begin(), all.handlers.end()}};
  const auto matched = [](const auto& route) { return route.matched; };
  if (std::any_of(all.routes.begin(), all.routes.end(), matched) != way.wanted)
    way.handlers = {~0u};
  return way;
}

}  // namespace standpipe::match
