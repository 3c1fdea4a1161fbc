// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace standpipe::worker {

// How many messages a second are read of one source: a bucket of `burst` messages that fills at the
// rate. While it is empty the source is not read, so that what comes waits in its FIFO, and then
// its writers do.
//
// A turn reads bytes, and knows only afterwards how many messages they were. So it is told how many
// bytes to read by the mean size of messages so far, and what was too much is owed: the next turn
// waits longer.
class RateLimit {
 public:
  static constexpr std::uint64_t kTurnBytesLeast = 4096;  // a write that must stay in one piece

  // 0 a second: there is no limit.
  RateLimit(std::uint64_t per_second, std::uint64_t burst)
      : per_second_(static_cast<double>(per_second)),
        burst_(static_cast<double>(burst)),
        has_(burst_) {}

  bool limits() const { return per_second_ > 0; }
  // When a turn may be taken; empty: now.
  std::optional<Nanoseconds> wait_until(Nanoseconds now) {
    if (!limits()) return std::nullopt;
    if (filled_) has_ = std::min(burst_, has_ + seconds(now - *filled_) * per_second_);
    filled_ = now;
    if (has_ >= 1) return std::nullopt;
    // Not for each single message of many.
    const auto wanted = std::min(burst_, std::max(1.0, per_second_ * seconds(kPauseLeast)));
    return now + Nanoseconds(static_cast<std::int64_t>((wanted - has_) / per_second_ * 1e9) + 1);
  }
  // Messages that may come now, of a source that counts them itself.
  std::uint64_t messages() const { return static_cast<std::uint64_t>(std::max(has_, 0.0)); }
  // Bytes of the turn, of a source of which so much has come.
  std::size_t most(std::uint64_t messages, std::uint64_t bytes) const {
    if (!limits()) return SIZE_MAX;
    const auto mean = messages ? static_cast<double>(bytes) / static_cast<double>(messages) : 0;
    return std::max<std::size_t>(kTurnBytesLeast,
                                 static_cast<std::size_t>(std::max(has_, 0.0) * mean));
  }
  void took(std::uint64_t messages) {
    if (limits()) has_ -= static_cast<double>(messages);
  }

 private:
  static constexpr Nanoseconds kPauseLeast = std::chrono::milliseconds(5);
  static double seconds(Nanoseconds time) { return static_cast<double>(time.count()) / 1e9; }

  double per_second_, burst_;
  double has_;
  std::optional<Nanoseconds> filled_;  // when it was looked at last
};

}  // namespace standpipe::worker
