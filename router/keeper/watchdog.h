// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/clock.h"

namespace standpipe::keeper {

// A service manager that wants a sign of life every so often ($WATCHDOG_USEC), or ends all: the worker is asked at a quarter of
// that time, and its answer counts. One question is open at a time. Not to answer for half of that time is a hang. A new worker is
// asked anew.
class Watchdog {
 public:
  static Watchdog from_environment();
  explicit Watchdog(Nanoseconds within = Nanoseconds(0)) : every_(within / 4), patience_(within / 2) {}

  std::optional<Nanoseconds> next() const;  // when to look again; empty: nobody wants to know
  // true: ask the worker now.
  bool due(Nanoseconds now);
  // The answer is late, and the worker is to be killed.
  bool overdue(Nanoseconds now) const { return asked_ && now >= asked_at_ + patience_; }
  Nanoseconds patience() const { return patience_; }
  // The worker answered.
  void answered() { asked_ = false; }
  void restart() { asked_ = false; }

 private:
  Nanoseconds every_, patience_;
  Nanoseconds next_{0}, asked_at_{0};
  bool asked_ = false;
};

}  // namespace standpipe::keeper
