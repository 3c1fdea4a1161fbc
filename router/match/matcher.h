// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "match/rule.h"

namespace standpipe::match {

bool matches(const Rule& rule, std::span<const std::byte> payload);

// Which of one source's handlers want a frame. Made once from the routes; afterwards constant, any thread.
//
// Handlers of a source are numbered from 0 as `bits` in a set (a handler has one bit however many routes name it, so it gets a
// message once). Routes are tried in their order; `final` ends that. A frame that no route wants goes to the unmatched handler, if
// there is one.
class Matcher {
 public:
  // `routes` are all routes of the hub; those that do not come from `source` are left out.
  Matcher(std::size_t source, const std::vector<RouteOptions>& routes, std::optional<std::size_t> unmatched);

  // The hub's handlers behind the bits, in order.
  const std::vector<std::size_t>& handlers() const { return handlers_; }
  std::size_t words() const { return words_; }
  // Every frame goes the same way: `match` need not be asked for each.
  bool constant() const { return constant_; }

  // Writes the set of one payload (words() words). Returns false when no route wanted it (the set then has the unmatched handler or
  // is empty).
  bool match(std::span<const std::byte> payload, std::span<std::uint64_t> set) const;
  // The set is the unmatched handler alone, and no route of this source leads there: so no route wanted what has it. For messages
  // that come with the set that an earlier run found.
  bool only_unmatched(std::span<const std::uint64_t> set) const;

 private:
  struct Step {
    Rule rule;
    bool always = false;
    bool final = false;
    std::vector<std::uint64_t> set;
  };
  std::size_t bit_of(std::size_t handler);

  std::vector<std::size_t> handlers_;
  std::size_t words_ = 1;
  bool constant_ = true;
  std::vector<Step> steps_;
  std::vector<std::uint64_t> unmatched_;
  bool unmatched_has_route_ = false;
};

}  // namespace standpipe::match
