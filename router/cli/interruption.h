// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/clock.h"
#include "base/signals.h"

namespace standpipe::cli {

// Ctrl-C and similar signals (TERM, INT, HUP) as something to ask about and to wait for, so that a
// command ends between frames and not inside one. While this object lives, the signals do nothing
// else.
class Interruption {
 public:
  // How many came until now: at the first one commands finish what they are at, at the second they
  // stop where they are.
  int times();
  int fd() const { return signals_.fd(); }

 private:
  Signals signals_;
  int times_ = 0;
};

enum class Waited { ready, interrupted, late };

using Deadline = std::optional<Nanoseconds>;  // on the steady clock; empty: for ever

// Until the descriptor has one of the events (or an error: the next call on it will tell), more
// interruptions than the `known` ones have come, or the deadline is over.
Waited wait_for(int fd, short events, Interruption& interruption, Deadline deadline, int known = 0);

// flock(LOCK_EX), with the same ways to end.
Waited lock_exclusively(int fd, Interruption& interruption, Deadline deadline, int known = 0);

// For the rest of a frame, when we were asked to stop.
constexpr Nanoseconds kGrace = std::chrono::seconds(5);

Nanoseconds steady_now();
// What poll takes: rounded up, so that a wait never ends before its deadline; -1: for ever.
int milliseconds_until(Deadline deadline);

}  // namespace standpipe::cli
