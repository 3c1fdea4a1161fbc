// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include "base/clock.h"

namespace standpipe::deliver {

// When a plugin's tick is to be called: when its last call said, or soon after the plugin asked
// for it (standpipe.settle/1). Never sooner after the last one than kLeast.
class Ticks {
 public:
  static constexpr Nanoseconds kLeast = std::chrono::milliseconds(1);

  Nanoseconds at() const { return at_; }  // Nanoseconds::max(): never
  void opened() { at_ = Nanoseconds(0); }
  // Any time. During a call, another one follows: that one may have looked before.
  void wake(Nanoseconds now) {
    is_wanted_ = true;
    at_ = std::min(at_, std::max(now, called_ + kLeast));
  }
  void begins() { is_wanted_ = false; }
  // `next`: what the plugin said, by the steady clock.
  void came_back(Nanoseconds now, std::uint64_t next) {
    called_ = now;
    const auto wanted = std::min<std::uint64_t>(is_wanted_ ? 0 : next, INT64_MAX);
    at_ = std::max(Nanoseconds(static_cast<std::int64_t>(wanted)), now + kLeast);
  }

 private:
  Nanoseconds at_{0};
  Nanoseconds called_ = -kLeast;
  bool is_wanted_ = false;
};

}  // namespace standpipe::deliver
