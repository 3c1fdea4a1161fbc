// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <standpipe/plugin.hpp>

#include "common/error_text.h"
#include "common/fd.h"

namespace unix_socket {

// An epoll descriptor, and descriptors by numbers of ours. One thread.
class Poller {
 public:
  using Id = std::uint64_t;
  static constexpr Id kWake = 0, kListener = 1, kFirstConnection = 2;
  // A connection tells of each change once: of both ends, and of room.
  static constexpr std::uint32_t kConnectionEvents = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

  // Throws standpipe::disconnected, as `watch` does.
  void open() {
    fd_ = common::Fd(::epoll_create1(EPOLL_CLOEXEC));
    if (!fd_) fail();
  }
  void close() { fd_ = common::Fd(); }
  int fd() const { return fd_.get(); }
  void watch(int fd, Id id, std::uint32_t events) const {
    epoll_event event{};
    event.events = events;
    event.data.u64 = id;
    if (::epoll_ctl(fd_.get(), EPOLL_CTL_ADD, fd, &event) != 0) fail();
  }
  void forget(int fd) const { ::epoll_ctl(fd_.get(), EPOLL_CTL_DEL, fd, nullptr); }
  std::span<const epoll_event> wait(int ms) {
    const int found = ::epoll_wait(fd_.get(), events_.data(), static_cast<int>(events_.size()), ms);
    return {events_.data(), static_cast<std::size_t>(found > 0 ? found : 0)};
  }

 private:
  [[noreturn]] static void fail() {
    throw standpipe::disconnected("epoll: " + common::error_text(errno));
  }

  common::Fd fd_;
  std::array<epoll_event, 64> events_;
};

}  // namespace unix_socket
