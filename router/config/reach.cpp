// SPDX-License-Identifier: Apache-2.0
#include "config/reach.h"

#include <algorithm>
#include <map>
#include <string>

#include "match/rule_text.h"

namespace standpipe::config {
namespace {

using Wanted = std::vector<std::string>;  // sorted, each once

Wanted sorted_conditions(const match::Rule& rule) {
  auto conditions = match::condition_texts(rule);
  std::sort(conditions.begin(), conditions.end());
  conditions.erase(std::unique(conditions.begin(), conditions.end()), conditions.end());
  return conditions;
}

// How many routes have a condition.
using Frequency = std::map<std::string, std::size_t>;

// The final routes of one source so far. Each is found by its rarest condition, so that a route is
// compared with few others even where all have one condition in common.
class Finals {
 public:
  Finals(const std::vector<Wanted>& conditions, const Frequency& frequency)
      : conditions_(conditions), frequency_(frequency) {}
  void add(std::size_t route) {
    const auto& conditions = conditions_[route];
    const auto rarest = std::min_element(
        conditions.begin(), conditions.end(),
        [&](const auto& a, const auto& b) { return frequency_.at(a) < frequency_.at(b); });
    if (rarest != conditions.end())
      by_rarest_[*rarest].push_back(route);
    else if (!always_)
      always_ = route;
  }
  std::optional<std::size_t> hiding(std::size_t route) const {
    if (always_) return always_;
    const auto& wanted = conditions_[route];
    for (const auto& condition : wanted) {
      const auto at = by_rarest_.find(condition);
      if (at == by_rarest_.end()) continue;
      for (const auto final : at->second)
        if (std::includes(wanted.begin(), wanted.end(), conditions_[final].begin(),
                          conditions_[final].end()))
          return final;
    }
    return std::nullopt;
  }

 private:
  const std::vector<Wanted>& conditions_;
  const Frequency& frequency_;
  std::optional<std::size_t> always_;
  std::map<std::string, std::vector<std::size_t>> by_rarest_;
};

// Goes from sources that bring something to handlers, and on from what these emit.
class HandlerReach {
 public:
  HandlerReach(const HubOptions& hub, Reach& reach)
      : hub_(hub), reach_(reach), routes_(hub.sources.size()), emitted_(hub.handlers.size()) {
    for (std::size_t r = 0; r < hub.routes.size(); ++r)
      if (!reach.hidden_by[r])
        for (const auto source : hub.routes[r].from) routes_[source].push_back(r);
  }

  void find() {
    for (std::size_t s = 0; s < hub_.sources.size(); ++s) {
      if (hub_.sources[s].origin == source::Origin::handler)
        emitted_[hub_.sources[s].from] = s;
      else
        to_do_.push_back(s);
    }
    while (!to_do_.empty()) {
      const auto source = to_do_.back();
      to_do_.pop_back();
      go_from(source);
    }
  }

 private:
  void go_from(std::size_t source) {
    for (const auto route : routes_[source])
      for (const auto handler : hub_.routes[route].to) get_to(handler);
    if (hub_.unmatched && reach_.unmatched[source]) get_to(*hub_.unmatched);
  }
  void get_to(std::size_t handler) {
    if (reach_.handlers[handler]) return;
    reach_.handlers[handler] = true;
    if (emitted_[handler]) to_do_.push_back(*emitted_[handler]);
  }

  const HubOptions& hub_;
  Reach& reach_;
  std::vector<std::vector<std::size_t>> routes_;     // of each source
  std::vector<std::optional<std::size_t>> emitted_;  // the source that each handler is
  std::vector<std::size_t> to_do_;
};

}  // namespace

Reach reach_of(const HubOptions& hub) {
  std::vector<Wanted> conditions;
  Frequency frequency;
  for (const auto& route : hub.routes) {
    conditions.push_back(sorted_conditions(route.rule));
    for (const auto& condition : conditions.back()) ++frequency[condition];
  }
  std::vector<Finals> finals(hub.sources.size(), Finals(conditions, frequency));
  Reach reach{.hidden_by = {},
              .handlers = std::vector<bool>(hub.handlers.size()),
              .unmatched = std::vector<bool>(hub.sources.size(), true)};
  for (std::size_t r = 0; r < hub.routes.size(); ++r) {
    const auto& route = hub.routes[r];
    std::optional<std::size_t> hidden_by;
    bool hidden = !route.from.empty();
    for (const auto source : route.from) {
      const auto by = finals[source].hiding(r);
      hidden = hidden && by;
      if (!hidden_by) hidden_by = by;
      if (route.final) finals[source].add(r);
      if (conditions[r].empty()) reach.unmatched[source] = false;
    }
    reach.hidden_by.push_back(hidden ? hidden_by : std::nullopt);
  }
  HandlerReach(hub, reach).find();
  return reach;
}

}  // namespace standpipe::config
