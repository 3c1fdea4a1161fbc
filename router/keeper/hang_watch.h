// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/clock.h"
#include "keeper/shared_header.h"

namespace standpipe::keeper {

// Finds calls that do not come back. The worker only counts a call's begin and end (two stores); how long one lasts is found by
// looking again and again. A look that comes late counts as if it had come in time, so a machine that was suspended, or a keeper
// that was stopped, is no hang. Found between the timeout and one interval after it.
//
// Cost, where a handler has a timeout: a wake-up every 250 ms, at most every 20 ms while calls are in progress, and a cache line
// read a handler. Where none has: nothing.
class HangWatch {
 public:
  static constexpr Nanoseconds kIntervalMost = std::chrono::milliseconds(250);
  static constexpr Nanoseconds kIntervalWithoutTimeouts = std::chrono::hours(1);
  static constexpr Nanoseconds kIntervalLeast = std::chrono::milliseconds(20);

  struct Hung {
    std::size_t handler;
    std::uint64_t call;
    Nanoseconds timeout;
  };
  // Those in progress beyond their timeout.
  std::vector<Hung> look(std::span<Watch> watches, Nanoseconds now);
  Nanoseconds next_look() const { return next_; }  // when to look again; 0: at once
  // The watches may have other timeouts than before.
  void look_at_once() { next_ = Nanoseconds(0); }
  // Another worker starts: calls that are in progress now are the dead one's, and mean nothing until they change.
  void restart(std::span<Watch> watches);

 private:
  struct Seen {
    std::uint64_t call = 0;
    Nanoseconds waited{0};
    bool is_left_over = false;
  };
  std::vector<Seen> seen_;
  Nanoseconds last_{0};
  Nanoseconds interval_{0};
  Nanoseconds next_{0};
};

}  // namespace standpipe::keeper
