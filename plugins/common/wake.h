// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <standpipe/plugin.hpp>

#include "common/error_text.h"
#include "common/fd.h"

namespace common {

// Wakes a thread that waits for a descriptor. Any thread may set it.
class Wake {
 public:
  Wake() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!fd_) throw standpipe::disconnected("cannot make an eventfd: " + error_text(errno));
  }
  void set() const {
    const std::uint64_t one = 1;
    (void)!::write(fd_.get(), &one, sizeof one);
  }
  void clear() const {
    std::uint64_t count = 0;
    (void)!::read(fd_.get(), &count, sizeof count);
  }
  // Waits until it is set, or there is something to read.
  void wait_with(int fd, int most_ms) const {
    pollfd fds[] = {{fd, POLLIN, 0}, {fd_.get(), POLLIN, 0}};
    (void)::poll(fds, 2, most_ms);
    if (fds[1].revents != 0) clear();
  }
  int fd() const { return fd_.get(); }

 private:
  Fd fd_;
};

}  // namespace common
