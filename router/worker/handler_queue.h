// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "worker/timers.h"

namespace standpipe::worker {

// Handlers, by their number: those that can advance, and those that are blocked, because they wait
// for an output or for a call, whichever. These are few, and to find that nothing has changed costs
// little, so all of them are tried again when anything has moved on.
class HandlerQueue {
 public:
  void add(std::size_t handler) { ready_.add(handler); }
  void block(std::size_t handler) { blocked_.add(handler); }
  void unblock() {
    for (const auto handler : blocked_.round()) ready_.add(handler);
  }
  bool empty() const { return ready_.empty(); }
  std::vector<std::size_t>& round() { return ready_.round(); }

 private:
  Ready ready_, blocked_;
};

}  // namespace standpipe::worker
