// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/clock.h"
#include "deliver/writer_lock.h"

namespace standpipe::deliver {

// When an output takes the lock of its FIFO, and when it leaves it to others: never while the FIFO
// ends inside a frame of ours. A lone writer keeps it from push to push, ends a frame each
// WriterLock::kTurn for others who may wait, and gives it back after WriterLock::kIdle. Beside
// other writers it is held for one push.
class LockTurn {
 public:
  // What the stream is like after a push.
  struct Stream {
    bool is_shared = false;     // others write there, or may
    bool has_more = false;      // is staged, or can be
    bool is_staged = false;     // something is in the stage
    bool inside_frame = false;  // what is written ends inside a frame
  };
  enum class Begun { yes, later, others_have_it };

  // At `later` and `others_have_it`, `retry_at` says when to try again.
  Begun begin(int fd, Nanoseconds now);
  // A lone writer has had the lock for long: it ends its frame, and others may have the lock. True
  // once: what is staged is to be dropped, because it goes on after that frame.
  bool must_end_frame(bool is_shared, Nanoseconds now);
  // Releases the lock where that may be. Returns when to pump again for its sake.
  std::optional<Nanoseconds> end(int fd, const Stream& stream, Nanoseconds now);
  // What is in the stage moves at once or not at all: whole frames in one page.
  void staged(bool moves_at_once) { moves_at_once_ = moves_at_once; }
  // The reader is dead, and what it left of a frame was taken back, unless the rest of that frame
  // is still to come.
  void reader_gone(int fd, bool inside_frame);
  // An earlier worker had the FIFO open, and perhaps the lock.
  void recover(int fd, bool inside_frame, Nanoseconds now) { lock_.recover(fd, inside_frame, now); }

  bool ends_frame() const { return ends_frame_; }
  bool is_held() const { return lock_.is_held(); }
  Nanoseconds retry_at() const { return lock_.retry_at(); }

 private:
  WriterLock lock_;
  bool ends_frame_ = false;  // the incomplete frame is finished, and others may have the lock
  bool moves_at_once_ = false;
};

}  // namespace standpipe::deliver
