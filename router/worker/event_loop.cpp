// SPDX-License-Identifier: Apache-2.0
#include "worker/event_loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

#include "base/failure.h"

namespace standpipe::worker {

EventLoop::EventLoop(const Clock& clock, std::uint64_t wake_key)
    : clock_(clock),
      wake_key_(wake_key),
      wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      now_(clock.steady()) {
  if (!wake_)
    throw Failure::system("make an eventfd", errno, "raise the limit of open files: ulimit -n");
  watch(wake_.get(), EPOLLIN, wake_key);
}

void EventLoop::wake() {
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
}

// Called before the event is reported: what another thread brings from now on wakes the loop again.
void EventLoop::end_wake() {
  std::uint64_t count = 0;
  (void)!::read(wake_.get(), &count, sizeof count);
}

}  // namespace standpipe::worker
