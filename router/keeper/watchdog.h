// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/clock.h"

namespace standpipe::keeper {

// A service manager that wants a sign of life every so often ($WATCHDOG_USEC): the worker is asked at a quarter of that time, and
// only its answer counts. One question is open at a time. A new worker is asked anew.
class Watchdog {
 public:
  static Watchdog from_environment();
  explicit Watchdog(Nanoseconds within = Nanoseconds(0)) : every_(within / 4) {}

  std::optional<Nanoseconds> next() const;  // when to look again; empty: nobody wants to know, or an answer is due first
  // true: ask the worker now.
  bool due(Nanoseconds now);
  // The worker answered.
  void answered() { asked_ = false; }
  void restart() { asked_ = false; }

 private:
  Nanoseconds every_;
  Nanoseconds next_{0};
  bool asked_ = false;
};

}  // namespace standpipe::keeper
