// SPDX-License-Identifier: Apache-2.0
#include "worker/poller.h"

#include <sys/prctl.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "base/failure.h"

namespace standpipe::worker {

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_)
    throw Failure::system("make an epoll descriptor", errno,
                          "raise the limit of open files: ulimit -n");
  // epoll_pwait2, from Linux 5.11. The wait is then not prolonged by the usual 50 us either.
  const timespec none{};
  exact_ = ::epoll_pwait2(epoll_.get(), events_.data(), 1, &none, nullptr) == 0 &&
           ::prctl(PR_SET_TIMERSLACK, 1000UL) == 0;
}

void Poller::add(int fd, std::uint32_t events, std::uint64_t key) {
  epoll_event event{};
  event.events = events | EPOLLET;
  event.data.u64 = key;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0)
    throw Failure::system("watch a descriptor", errno, "raise fs.epoll.max_user_watches");
}

void Poller::remove(int fd) { (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

std::span<const epoll_event> Poller::wait(std::optional<Nanoseconds> until, Nanoseconds now) {
  using namespace std::chrono;
  constexpr Nanoseconds kMost = hours(1);
  const auto left = until ? std::clamp(*until - now, Nanoseconds(0), kMost) : kMost;
  const auto most = static_cast<int>(events_.size());
  int n = 0;
  if (exact_) {
    const timespec timeout{duration_cast<seconds>(left).count(), (left % seconds(1)).count()};
    n = ::epoll_pwait2(epoll_.get(), events_.data(), most, until ? &timeout : nullptr, nullptr);
  } else {
    // Rounded up, because waking a moment too early would only mean waiting again.
    n = ::epoll_wait(epoll_.get(), events_.data(), most,
                     until ? static_cast<int>(ceil<milliseconds>(left).count()) : -1);
  }
  if (n < 0 && errno != EINTR) throw Failure::system("wait for events", errno);
  return {events_.data(), static_cast<std::size_t>(std::max(n, 0))};
}

}  // namespace standpipe::worker
