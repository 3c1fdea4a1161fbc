// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/clock.h"

namespace standpipe::deliver {

// The lock that all writers of frames into one FIFO share: an exclusive flock, the same that
// `standpipe send` takes, so that no other bytes come between the pieces of a frame. It belongs to
// the open file, which the keeper has as well: a worker that dies inside a frame leaves it locked,
// and the next worker finishes the frame.
//
// A lone writer should pay nothing for it. So it is held from one push to the next while there is
// something to push, and released at a frame's end: after kIdle without a push, and every kTurn for
// others who wait, who then have kYield to take it. Where others do write, it is held for one push
// only.
class WriterLock {
 public:
  static constexpr Nanoseconds kIdle = std::chrono::milliseconds(10);
  static constexpr Nanoseconds kTurn = std::chrono::milliseconds(100);
  static constexpr Nanoseconds kYield = std::chrono::microseconds(200);
  // How soon to try again when another writer has it, at first and at most.
  static constexpr Nanoseconds kRetryFirst = std::chrono::milliseconds(1);
  static constexpr Nanoseconds kRetryLast = std::chrono::milliseconds(20);

  // false: another writer has it; `retry_at` says when to try again.
  bool try_lock(int fd, Nanoseconds now);
  void release(int fd);
  // After release: leaves it to others for a moment.
  void yield(Nanoseconds now) { retry_at_ = now + kYield; }
  // An earlier worker had the FIFO open, and perhaps the lock: it is still needed inside a frame,
  // and given back otherwise.
  void recover(int fd, bool inside_frame, Nanoseconds now);

  bool is_held() const { return held_; }
  bool may_try(Nanoseconds now) const { return now >= retry_at_; }
  Nanoseconds retry_at() const { return retry_at_; }
  Nanoseconds held_for(Nanoseconds now) const { return now - since_; }
  Nanoseconds since() const { return since_; }

 private:
  bool held_ = false;
  Nanoseconds since_{0}, retry_at_{0}, pause_{0};
};

}  // namespace standpipe::deliver
