// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/clock.h"

namespace standpipe::keeper {

// Checks that the worker's loop makes progress. It asks at a quarter of a given time, one question
// at a time, and starts anew with each worker. A loop that does not answer for half of that time
// hangs. As with calls (HangWatch), silence is counted in polls, so a machine that slept, or a
// keeper that was stopped, adds at most a quarter.
//
// It serves a service manager that wants regular signs of life ($WATCHDOG_USEC), and the time limit
// of a stop.
class Watchdog {
 public:
  static Watchdog from_environment();
  explicit Watchdog(Nanoseconds within = Nanoseconds(0))
      : every_(within / 4), patience_(within / 2) {}

  std::optional<Nanoseconds> next() const;  // when to poll again; empty: nobody wants to know
  // true: ask the worker now.
  bool poll(Nanoseconds now);
  // The answer is that late.
  Nanoseconds silence() const { return silence_; }
  Nanoseconds patience() const { return patience_; }
  bool overdue() const { return asked_ && silence_ >= patience_; }
  // The worker answered.
  void answered() { asked_ = false; }
  void restart() { asked_ = false; }

 private:
  Nanoseconds poll_interval() const { return patience_ / 4; }

  Nanoseconds every_, patience_;
  Nanoseconds next_{0}, polled_at_{0}, silence_{0};
  bool asked_ = false;
};

}  // namespace standpipe::keeper
