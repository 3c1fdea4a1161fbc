// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/clock.h"

namespace standpipe {

// Keeps a repeating fault from flooding the screen: the first few are reported, then one every ten
// seconds with the number left out.
class Throttle {
 public:
  // Whether to report now; `left_out` is how many were left out since the last report.
  bool allow(Nanoseconds now, std::uint64_t& left_out) {
    left_out = 0;
    if (now - last_ >= std::chrono::seconds(10)) burst_ = 0;
    if (burst_ >= kBurst) {
      ++left_out_;
      return false;
    }
    ++burst_;
    last_ = now;
    left_out = left_out_;
    left_out_ = 0;
    return true;
  }

 private:
  static constexpr int kBurst = 5;
  int burst_ = 0;
  std::uint64_t left_out_ = 0;
  Nanoseconds last_{-std::chrono::hours(1)};
};

}  // namespace standpipe
