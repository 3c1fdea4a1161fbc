// SPDX-License-Identifier: Apache-2.0
#include "worker/fifo_watch.h"

#include "base/failure.h"

namespace standpipe::worker {

void FifoWatch::begin(int fd) {
  fd_ = fd;
  loop_->watch(fd_, EPOLLIN, key_);
}

// The old one is removed explicitly, because the keeper may have it open a moment longer.
void FifoWatch::follow(int fd) {
  stop_polling();
  loop_->unwatch(fd_);
  begin(fd);
}

void FifoWatch::after_turn(bool is_idle, std::uint64_t messages) {
  if (!loop_ || !loop_->is_exact()) return;
  const bool polled = polls();
  poll_mode_->after_turn(loop_->now(), messages);
  if (!polled && polls()) loop_->unwatch(fd_);
  if (polled && !polls() && !watch_again()) poll_mode_->keep_polling();
  if (polls() && is_idle) loop_->set_timer(key_, loop_->now() + PollMode::kInterval);
}

void FifoWatch::stop_polling() {
  if (poll_mode_ && poll_mode_->end() && !watch_again()) poll_mode_->keep_polling();
}

// Epoll reports at once what is there already. false: the kernel has no memory for that now, so
// polling continues.
bool FifoWatch::watch_again() try {
  loop_->watch(fd_, EPOLLIN, key_);
  return true;
} catch (const Failure&) {
  return false;
}

}  // namespace standpipe::worker
