// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/clock.h"
#include "state/shared_header.h"

namespace standpipe::keeper {

// Finds calls that do not return. The worker only counts each call's begin and end (two stores);
// the keeper measures its length by polling. A late poll counts as if it were on time, so a machine
// that was suspended, or a keeper that was stopped, is not taken for a hang. A hang is found
// between the timeout and one interval later.
//
// Cost where a handler has a timeout: a wake-up every 250 ms, at most every 20 ms while calls are
// in progress, and a cache line read for each handler. Without a timeout it costs nothing.
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
  // The calls in progress that exceed their timeout.
  std::vector<Hung> poll(std::span<state::Watch> watches, Nanoseconds now);
  Nanoseconds next_poll() const { return next_; }  // when to poll again; 0: at once
  // The watches may have other timeouts than before.
  void poll_at_once() { next_ = Nanoseconds(0); }
  // Another worker starts: the calls in progress are the dead worker's, and are ignored until they
  // change.
  void restart(std::span<state::Watch> watches);

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
