// SPDX-License-Identifier: Apache-2.0
#include "deliver/writer_lock.h"

#include <sys/file.h>

#include <algorithm>
#include <cerrno>

namespace standpipe::deliver {

// A file system without locks has none for others either, so there is nothing to wait for.
bool WriterLock::try_lock(int fd, Nanoseconds now) {
  held_ = ::flock(fd, LOCK_EX | LOCK_NB) == 0 || (errno != EWOULDBLOCK && errno != EINTR);
  since_ = now;
  pause_ = held_ ? Nanoseconds(0) : std::clamp(pause_ * 2, kRetryFirst, kRetryLast);
  retry_at_ = now + pause_;
  return held_;
}

void WriterLock::release(int fd) {
  if (held_) (void)::flock(fd, LOCK_UN);
  held_ = false;
}

void WriterLock::recover(int fd, bool inside_frame, Nanoseconds now) {
  if (inside_frame) {
    (void)try_lock(fd, now);
    return;
  }
  held_ = true;
  release(fd);
}

}  // namespace standpipe::deliver
