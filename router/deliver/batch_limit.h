// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"
#include "base/limits.h"

namespace standpipe::deliver {

// How many messages a call may have. The timeout bounds a call but is meant per message, so batches
// start at one message and grow while calls are quick.
class BatchLimit {
 public:
  explicit BatchLimit(Nanoseconds timeout)
      : timeout_(timeout), messages_(timeout > Nanoseconds(0) ? 1 : kBatchMessages) {}

  std::uint32_t messages() const { return messages_; }
  // A call with that many messages took so long.
  void took(std::uint32_t messages, Nanoseconds time) {
    if (timeout_ == Nanoseconds(0)) return;
    const auto fair = timeout_ / 4;
    if (time <= fair)
      messages_ = std::min(messages_ * 2, kBatchMessages);
    else
      messages_ = static_cast<std::uint32_t>(std::max<std::int64_t>(1, messages * fair / time));
  }

 private:
  Nanoseconds timeout_;
  std::uint32_t messages_;
};

}  // namespace standpipe::deliver
