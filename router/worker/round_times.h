// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/clock.h"

namespace standpipe::worker {

// How long the loop's rounds take, from what woke it to where it waits again: nobody is served
// meanwhile, so the longest is how long the hub ever stood still.
class RoundTimes {
 public:
  struct Longest {
    Nanoseconds took{0};
    Nanoseconds ended{0};  // steady clock
  };

  // A round that has begun goes on.
  void begin(Nanoseconds now) {
    if (!began_) began_ = now;
  }
  void end(Nanoseconds now) {
    if (began_ && now - *began_ > longest_.took) longest_ = {now - *began_, now};
    began_.reset();
  }
  const Longest& longest() const { return longest_; }

 private:
  std::optional<Nanoseconds> began_;
  Longest longest_;
};

}  // namespace standpipe::worker
