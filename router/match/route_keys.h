// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "match/rule.h"

namespace standpipe::match {

// Something that can be looked up in a message at once for many routes. Borrows the condition.
struct RouteKey {
  enum class Kind : std::uint8_t {
    text,     // the payload is this
    prefix,   // it begins with this
    value,    // what a pointer leads to is this
    pattern,  // a pattern matches in the payload, or in what a pointer leads to
  };
  Kind kind;
  const Condition* condition;
  Value wanted;  // of `text`, `prefix` and `value`
};

// Chooses by which keys routes are indexed. A message that has none of a route's keys is none that
// the route takes; the fewer messages have them, the better. Nobody knows the messages, so it goes
// by the routes: of what many routes ask for, each says little (all want `type: order`, each
// another `id`).
class KeyChooser {
 public:
  // All rules first.
  void add(const Rule& rule);
  // nullopt: it has no key, so it must be tried on every message.
  std::optional<std::vector<RouteKey>> choose(const Rule& rule) const;

 private:
  struct Choice {
    std::vector<RouteKey> keys;
    double cost = 0;
  };
  Choice choice_of(const Condition& condition) const;
  std::optional<Choice> any_of(const std::vector<Rule>& rules) const;
  std::optional<Choice> best(const Rule& rule) const;

  std::unordered_map<std::string, std::uint32_t> asked_;  // how many routes ask for a key
};

}  // namespace standpipe::match
