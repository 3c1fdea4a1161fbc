// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/clock.h"

namespace standpipe::keeper {

// Whether the worker's loop comes round: it is asked at a quarter of a time, one question at a time; a new worker is asked anew.
// Not to answer for half of that time is to stand still. As calls are (HangWatch), silence is counted in looks: a machine that
// slept, or a keeper that was stopped, adds a quarter of it at most.
//
// Of a service manager that wants a sign of life every so often ($WATCHDOG_USEC), or ends all; and of a stop.
class Watchdog {
 public:
  static Watchdog from_environment();
  explicit Watchdog(Nanoseconds within = Nanoseconds(0)) : every_(within / 4), patience_(within / 2) {}

  std::optional<Nanoseconds> next() const;  // when to look again; empty: nobody wants to know
  // true: ask the worker now.
  bool look(Nanoseconds now);
  // The answer is that late.
  Nanoseconds silence() const { return silence_; }
  Nanoseconds patience() const { return patience_; }
  bool overdue() const { return asked_ && silence_ >= patience_; }
  // The worker answered.
  void answered() { asked_ = false; }
  void restart() { asked_ = false; }

 private:
  Nanoseconds between_looks() const { return patience_ / 4; }

  Nanoseconds every_, patience_;
  Nanoseconds next_{0}, looked_{0}, silence_{0};
  bool asked_ = false;
};

}  // namespace standpipe::keeper
