// SPDX-License-Identifier: Apache-2.0
#include "worker/shutdown.h"

#include <algorithm>

#include "base/invariant.h"

namespace standpipe::worker {

void Shutdown::begin(Nanoseconds deadline) {
  INVARIANT(state_ == State::running, static_cast<int>(state_));
  state_ = State::draining;
  begun_ = true;
  deadline_ = deadline;
}

void Shutdown::close(Nanoseconds now) {
  INVARIANT(state_ == State::draining, static_cast<int>(state_));
  state_ = State::closing;
  deadline_ = std::max(deadline_, now + kClosingLeast);
}

void Shutdown::save() {
  INVARIANT(state_ == State::draining || state_ == State::closing, static_cast<int>(state_));
  state_ = State::saving;
}

void Shutdown::end() {
  INVARIANT(state_ == State::saving, static_cast<int>(state_));
  state_ = State::ended;
}

}  // namespace standpipe::worker
