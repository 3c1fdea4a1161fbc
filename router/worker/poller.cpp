// SPDX-License-Identifier: Apache-2.0
#include "worker/poller.h"

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "base/failure.h"

namespace standpipe::worker {

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) throw Failure::system("make an epoll descriptor", errno, "raise the limit of open files: ulimit -n");
}

void Poller::add(int fd, std::uint32_t events, std::uint64_t key) {
  epoll_event event{};
  event.events = events | EPOLLET;
  event.data.u64 = key;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0)
    throw Failure::system("watch a descriptor", errno, "raise fs.epoll.max_user_watches");
}

std::span<const epoll_event> Poller::wait(std::optional<Nanoseconds> until, Nanoseconds now) {
  int timeout = -1;
  if (until) {
    // Rounded up: waking a moment too early would only mean to wait again.
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - now).count();
    timeout = static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
  }
  const int n = ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), timeout);
  if (n < 0 && errno != EINTR) throw Failure::system("wait for events", errno);
  return {events_.data(), static_cast<std::size_t>(std::max(n, 0))};
}

}  // namespace standpipe::worker
