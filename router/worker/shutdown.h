// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>

#include "base/clock.h"

namespace standpipe::worker {

// How far the hub's stop has come. The states follow each other, and none returns:
//
//   running    nobody has asked for the end
//   draining   sources accept what was written before it was asked for; all is delivered
//   closing    no further message is started: handlers flush and close, outputs finish the message
//              they are in
//   saving     nothing moves any more: what is left goes to the disk, or is counted as dropped
//   ended
//
// One deadline bounds draining and closing together. Closing has a second at least, even when
// draining took all there was: a message that an output has begun is finished then.
class Shutdown {
 public:
  enum class State { running, draining, closing, saving, ended };
  static constexpr Nanoseconds kClosingLeast = std::chrono::seconds(1);

  State state() const { return state_; }
  // The end was asked for. Any thread reads it, by `begun`.
  bool has_begun() const { return begun_.load(std::memory_order_relaxed); }
  const std::atomic<bool>& begun() const { return begun_; }
  // No more is delivered, nor put on the disk for those who wait.
  bool is_closing() const { return state_ >= State::closing; }
  bool has_ended() const { return state_ == State::ended; }

  void begin(Nanoseconds deadline);  // running -> draining
  void hurry(Nanoseconds now) { deadline_ = now; }
  void close(Nanoseconds now);  // draining -> closing
  void save();                  // draining or closing -> saving
  void end();                   // saving -> ended

  // Valid from draining on.
  Nanoseconds deadline() const { return deadline_; }
  bool is_overdue(Nanoseconds now) const { return has_begun() && now >= deadline_; }

 private:
  State state_ = State::running;
  std::atomic<bool> begun_{false};
  Nanoseconds deadline_{0};
};

}  // namespace standpipe::worker
