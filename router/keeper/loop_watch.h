// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/reminder.h"
#include "state/shared_header.h"

namespace standpipe::keeper {

// Finds out for whose call the worker's loop waits, and reports a call that it has waited for too
// long: while it waits, the worker can neither report nor answer anything itself. Like HangWatch it
// counts time in samples, so a machine that was suspended adds one interval at most.
//
// Cost: a wake-up every 5 s, and a cache line read a handler.
class LoopWatch {
 public:
  static constexpr Nanoseconds kInterval = std::chrono::seconds(5);
  static constexpr Nanoseconds kLong = std::chrono::seconds(10);

  // Another worker starts: the calls in progress are the dead worker's, and are ignored until they
  // change.
  void restart(std::span<state::Watch> watches);
  // The handler whose call the loop waits for, if any.
  std::optional<std::size_t> caller(std::span<state::Watch> watches) const;
  // What to say of a call that does not come back; empty: nothing. Again after 10 s, 20 s, 40 s,
  // ..., at most every 10 minutes.
  std::string sample(std::span<state::Watch> watches, Nanoseconds now);
  Nanoseconds next_sample() const { return next_; }

 private:
  std::vector<std::uint64_t> left_over_;
  std::size_t handler_ = 0;
  std::uint64_t call_ = 0;  // of that handler; 0: none
  Nanoseconds waited_{0};
  Nanoseconds last_{0};
  Nanoseconds next_{0};
  Reminder reminder_;
};

// "handler h", as it may be shown: a worker gone wild may have written anything there.
std::string name_of(const state::Watch& watch);

}  // namespace standpipe::keeper
