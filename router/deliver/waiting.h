// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/clock.h"

namespace standpipe::deliver {

// What a handler's loop, which did nothing or not all, waits for.
struct Waiting {
  bool for_output = false;  // one of its outputs has no room
  bool for_turn = false;    // a message is being tried alone
  std::optional<Nanoseconds> until;

  // Until then at most.
  void wake_by(std::optional<Nanoseconds> when) {
    if (when && (!until || *when < *until)) until = when;
  }
};

}  // namespace standpipe::deliver
