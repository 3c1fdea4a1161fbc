// SPDX-License-Identifier: Apache-2.0
#include "worker/succession.h"

#include <utility>

#include "base/invariant.h"

namespace standpipe::worker {

void Succession::begin(Leaving leaving, Nanoseconds now, Nanoseconds patience) {
  INVARIANT(state_ == State::none, static_cast<int>(state_));
  state_ = State::draining;
  leaving_ = std::move(leaving);
  to_read_.clear();
  progress_.reset();
  deadline_ = now + patience;
}

bool Succession::has_drained(std::uint64_t in_hand, std::uint64_t progress, Nanoseconds now) {
  if (std::exchange(progress_, progress) != progress) moved_at_ = now;
  return in_hand == 0 || now - moved_at_ >= kStandsStill || is_overdue(now);
}

void Succession::quiet(Nanoseconds now) {
  INVARIANT(state_ == State::draining, static_cast<int>(state_));
  state_ = State::quieting;
  to_read_ = leaving_.sources;
  quiet_since_ = now;
  deadline_ = now + kCallMost;
}

void Succession::close(Nanoseconds now) {
  INVARIANT(state_ == State::quieting, static_cast<int>(state_));
  state_ = State::closing;
  deadline_ = now + kCloseMost;
}

void Succession::end() {
  INVARIANT(state_ == State::closing, static_cast<int>(state_));
  state_ = State::over;
}

void Succession::cancel() {
  state_ = State::none;
  leaving_ = {};
}

bool Succession::may_read(std::size_t source) const {
  if (is_quiet()) return state_ == State::quieting && to_read_.contains(source);
  return !leaving_.feeding.contains(source);
}

}  // namespace standpipe::worker
