// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace standpipe::worker {

// Since when what a queue has written waits for a sync. What the handler is through with waits for
// none: it may as well be lost with the power. So a handler that keeps up costs no sync, however
// much goes through the file.
//
// It knows two moments and what was written from each on, which is enough to tell the age of what
// waits to within the time that the handler takes for what it has; it never takes it for younger
// than it is. The loop's thread.
class Unsynced {
 public:
  // From message `number` on, all that follows is written now or later.
  void wrote(std::uint64_t number, Nanoseconds now) {
    auto& mark = oldest_ ? later_ : oldest_;
    if (!mark) mark = {number, now};
  }
  // The handler is through with all before that one. `end`: the number of the next that is written.
  void passed(std::uint64_t number, std::uint64_t end) {
    if (number >= end) return reset();
    if (!later_ || number < later_->number) return;
    oldest_ = later_;
    later_.reset();
  }
  void reset() {
    oldest_.reset();
    later_.reset();
  }
  bool empty() const { return !oldest_; }
  // When the oldest of it was written, or before.
  std::optional<Nanoseconds> since() const {
    return oldest_ ? std::optional(oldest_->at) : std::nullopt;
  }

 private:
  struct Mark {
    std::uint64_t number = 0;
    Nanoseconds at{0};
  };
  std::optional<Mark> oldest_, later_;
};

}  // namespace standpipe::worker
