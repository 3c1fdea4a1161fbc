// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "base/clock.h"

namespace standpipe::worker {

// When to check again that every FIFO still has its name. Nothing in a FIFO announces that it was
// unlinked, so paths are checked on a timer: every few seconds, and less often where that takes
// long (thousands of sources, a slow file system), so that it never costs more than a
// two-thousandth of a core.
class FifoPatrol {
 public:
  static constexpr Nanoseconds kEach = std::chrono::seconds(3);
  static constexpr Nanoseconds kMost = std::chrono::minutes(1);
  static constexpr int kShare = 2000;

  static Nanoseconds pause_after(Nanoseconds took) {
    return std::clamp<Nanoseconds>(took * kShare, kEach, kMost);
  }
};

}  // namespace standpipe::worker
