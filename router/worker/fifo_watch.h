// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "worker/event_loop.h"
#include "worker/poll_mode.h"

namespace standpipe::worker {

// Who reports that a source's FIFO has something: epoll, or, while so many small writes come that
// being notified of each costs more than the messages do, a timer that polls (poll_mode.h). Both
// report the same key.
class FifoWatch {
 public:
  // The source reads `poll_mode`, to know how its turns end.
  FifoWatch(EventLoop& loop, std::uint64_t key, PollMode& poll_mode)
      : loop_(&loop), key_(key), poll_mode_(&poll_mode) {}
  // Of a source without a FIFO: there is nothing to report.
  FifoWatch() = default;

  // Throws Failure.
  void begin(int fd);
  // Another FIFO from now on; the old one is still open. Throws Failure.
  void follow(int fd);
  // A turn of the source is over. `is_idle`: it found all that there was; `messages` came since
  // the source began.
  void after_turn(bool is_idle, std::uint64_t messages);
  // Polling is about to pause, so epoll takes over: only it reports that the last writer left.
  void stop_polling();
  bool polls() const { return poll_mode_ && poll_mode_->is_polled(); }

 private:
  bool watch_again();

  EventLoop* loop_ = nullptr;
  std::uint64_t key_ = 0;
  int fd_ = -1;
  PollMode* poll_mode_ = nullptr;
};

}  // namespace standpipe::worker
