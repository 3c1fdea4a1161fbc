// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace standpipe::worker {

// How many messages of a replay may come now, where a person said how many a second. What a stall
// kept from coming is made up for, but no more than kCatchUp of it.
class ReplayPace {
 public:
  static constexpr Nanoseconds kCatchUp = std::chrono::milliseconds(100);
  static constexpr Nanoseconds kPauseLeast =
      std::chrono::milliseconds(5);  // not for each single message of many

  // Between two messages; 0: as there is room.
  explicit ReplayPace(Nanoseconds interval = Nanoseconds(0)) : interval_(interval) {}

  bool limits() const { return interval_ > Nanoseconds(0); }
  // The time runs from the first question on.
  std::size_t allowed(Nanoseconds now) {
    if (!limits()) return SIZE_MAX;
    if (!due_) due_ = now;
    if (now < *due_) return 0;
    return static_cast<std::size_t>((now - since(now)) / interval_ + 1);
  }
  // So many came.
  void fed(std::size_t messages, Nanoseconds now) {
    if (messages > 0) due_ = since(now) + interval_ * static_cast<std::int64_t>(messages);
  }
  // When to ask again, where it limits.
  Nanoseconds ask_again(Nanoseconds now) const {
    return std::max(due_.value_or(now), now + std::min(interval_, kPauseLeast));
  }

 private:
  Nanoseconds since(Nanoseconds now) const { return std::max(due_.value_or(now), now - kCatchUp); }

  Nanoseconds interval_;
  std::optional<Nanoseconds> due_;  // the next message
};

}  // namespace standpipe::worker
