// SPDX-License-Identifier: Apache-2.0
#include "match/pattern_cost.h"

#include <algorithm>

namespace standpipe::match {
namespace {

// Nothing gets past it.
bool takes_all(const RouteOptions& route) { return route.rule.empty() && route.final; }

}  // namespace

PatternCost::PatternCost(std::span<const RouteOptions* const> routes) {
  for (const auto* route : routes) {
    if (takes_all(*route)) return;
    add(route->rule);
  }
}

PatternCost::PatternCost(std::size_t source, std::span<const RouteOptions> routes) {
  for (const auto& route : routes) {
    if (std::find(route.from.begin(), route.from.end(), source) == route.from.end()) continue;
    if (takes_all(route)) return;
    add(route.rule);
  }
}

void PatternCost::add(const Rule& rule) {
  for (const auto& condition : rule.conditions) add(condition);
  for (const auto& part : rule.all) add(part);
  for (const auto& part : rule.none) add(part);
  if (rule.any)
    for (const auto& part : *rule.any) add(part);
}

void PatternCost::add(const Condition& condition) {
  if (condition.op != Op::regex) return;
  const auto& regex = *condition.regex;
  if (!regex.may_be_slow()) {
    ++quick_patterns_;
    return;
  }
  slow_steps_ += regex.steps();
  if (!slowest_ || regex.steps() > slowest_->regex->steps()) slowest_ = &condition;
}

}  // namespace standpipe::match
