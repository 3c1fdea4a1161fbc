// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace standpipe::cli {

// When the next message is due at a given rate. After a stall it makes up for at most a tenth of a
// second, because a rate is asked for to spare the receiver.
class Pacer {
 public:
  explicit Pacer(std::optional<double> rate) : rate_(rate) {}

  // The time before which the next one is not to be sent; counts it.
  Nanoseconds next(Nanoseconds now) {
    if (!rate_) return now;
    const Nanoseconds step(static_cast<std::int64_t>(1e9 / *rate_));
    const auto due = due_ ? std::max(*due_, now - std::chrono::milliseconds(100)) : now;
    due_ = due + step;
    return due;
  }

 private:
  std::optional<double> rate_;
  std::optional<Nanoseconds> due_;
};

}  // namespace standpipe::cli
