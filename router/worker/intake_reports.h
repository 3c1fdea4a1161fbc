// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/reporter.h"
#include "base/throttle.h"
#include "match/pattern_cost.h"

namespace standpipe::worker {

// What people are told of the messages that come in at one source. All of it can be so often that
// it is throttled, each kind for itself, so that one does not hide another.
class IntakeReports {
 public:
  // The clock and the reporter must outlive it.
  IntakeReports(std::string source, bool warns_of_unmatched, const Clock& clock, Reporter& reporter)
      : source_(std::move(source)),
        warns_of_unmatched_(warns_of_unmatched),
        clock_(clock),
        reporter_(reporter) {}

  // So many matched no route and were dropped. Nothing is said where the configuration says that
  // it is meant.
  void unmatched(std::uint64_t messages);
  // So many were too long to be tried on patterns that may be slow.
  void left_patterns(std::uint64_t messages, const match::PatternCost& cost);
  // Faults of what comes: whether to say one now. `left_out`: how many were not, since.
  bool may_say_fault(std::uint64_t& left_out) { return faults_.allow(clock_.steady(), left_out); }

 private:
  std::string source_;
  bool warns_of_unmatched_;
  const Clock& clock_;
  Reporter& reporter_;
  Throttle unmatched_, patterns_, faults_;
};

}  // namespace standpipe::worker
