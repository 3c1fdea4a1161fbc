// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace standpipe {

using Nanoseconds = std::chrono::nanoseconds;

// Time as the hub sees it. It is passed in, so that tests can set it.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Nanoseconds steady()
      const = 0;  // never goes back; for waiting and back-off (CLOCK_MONOTONIC)
  virtual Nanoseconds wall()
      const = 0;  // since 1970, UTC; for messages; jumps whenever somebody sets it
  // What the wall clock, as it is set now, showed at that steady time. A "since when" is stored as
  // steady time and printed through this, so that setting the clock (at boot, by NTP) makes nothing
  // look years old.
  Nanoseconds wall_at(Nanoseconds then) const { return wall() - (steady() - then); }
};

class SystemClock final : public Clock {
 public:
  Nanoseconds steady() const override {
    return std::chrono::steady_clock::now().time_since_epoch();
  }
  Nanoseconds wall() const override { return std::chrono::system_clock::now().time_since_epoch(); }
};

}  // namespace standpipe
