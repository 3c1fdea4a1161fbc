// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>

#include "base/clock.h"
#include "worker/event_key.h"
#include "worker/event_loop.h"

namespace standpipe::worker {

// When a checkpoint is to be written: a moment after something has changed, and at most once in
// kEach. A hub at which nothing happens has no timer.
class CheckpointTimer {
 public:
  static constexpr Nanoseconds kEach = std::chrono::seconds(1);

  explicit CheckpointTimer(EventLoop& loop) : loop_(loop) {}

  void note_change() {
    if (changed_) return;
    changed_ = true;
    loop_.set_timer(key(kCheckpoint), std::max(loop_.now(), written_at_ + kEach));
  }
  // It is written now.
  void written() {
    changed_ = false;
    written_at_ = loop_.now();
  }

 private:
  EventLoop& loop_;
  bool changed_ = false;  // since the last one
  Nanoseconds written_at_{0};
};

}  // namespace standpipe::worker
