// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace standpipe {

using Nanoseconds = std::chrono::nanoseconds;

// Time as the hub sees it; passed in, so that tests turn the hands themselves.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Nanoseconds steady() const = 0;  // never goes back; for waiting and back-off (CLOCK_MONOTONIC)
  virtual Nanoseconds wall() const = 0;    // since 1970, UTC; for messages
};

class SystemClock final : public Clock {
 public:
  Nanoseconds steady() const override { return std::chrono::steady_clock::now().time_since_epoch(); }
  Nanoseconds wall() const override { return std::chrono::system_clock::now().time_since_epoch(); }
};

}  // namespace standpipe
