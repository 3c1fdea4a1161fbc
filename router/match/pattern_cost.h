// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/limits.h"
#include "match/rule.h"

namespace standpipe::match {

// What the patterns of one source's routes may cost, in steps (regex.h). All patterns of a source
// that may be slow share kPatternStepsMax (base/limits.h), however many a message meets: so a text
// that is longer than bytes_max is tried on none of them, and a condition by one is not known then,
// as one on a payload above match_max is. It depends on nothing but the routes and the text's
// length, so that whoever matches a message comes to the same answer.
class PatternCost {
 public:
  PatternCost() = default;
  // Of a source's routes, in their order.
  explicit PatternCost(std::span<const RouteOptions* const> routes);
  // Those of them that come from that source.
  PatternCost(std::size_t source, std::span<const RouteOptions> routes);

  // How long a text may be for slow patterns to be tried.
  std::uint64_t bytes_max() const {
    return slow_steps_ == 0 ? UINT64_MAX : kPatternStepsMax / slow_steps_;
  }
  // What a byte of a message may cost; 0: hardly anything.
  std::uint64_t steps() const { return slow_steps_ + quick_patterns_ / kQuickPatternsAStep; }
  // The one that may cost most, for people; nullptr: none may be slow.
  const Condition* slowest() const { return slowest_; }

 private:
  static constexpr std::uint64_t kQuickPatternsAStep = 8;

  void add(const Rule& rule);
  void add(const Condition& condition);

  std::uint64_t slow_steps_ = 0;
  std::uint64_t quick_patterns_ = 0;
  const Condition* slowest_ = nullptr;
};

}  // namespace standpipe::match
