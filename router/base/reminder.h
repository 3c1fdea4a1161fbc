// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/clock.h"

namespace standpipe {

// Limits how often a lasting condition is reported: at once, then after 10 s, 20 s, 40 s ..., at
// most every 10 minutes. A condition that was absent for so long starts anew.
class Reminder {
 public:
  // Whether to report it now that it was seen again.
  bool is_due(Nanoseconds now) {
    if (asked_ && now - *asked_ >= kMost) *this = {};
    asked_ = now;
    if (now < next_) return false;
    next_ = now + pause_;
    pause_ = std::min(2 * pause_, kMost);
    return true;
  }

 private:
  static constexpr Nanoseconds kMost = std::chrono::minutes(10);
  std::optional<Nanoseconds> asked_;
  Nanoseconds next_{0};
  Nanoseconds pause_ = std::chrono::seconds(10);
};

}  // namespace standpipe
