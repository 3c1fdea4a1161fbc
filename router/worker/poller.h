// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "base/clock.h"
#include "base/fd.h"

namespace standpipe::worker {

// epoll, edge-triggered: each change is reported once, so the receiver must continue until the
// kernel says EAGAIN.
//
// Not Boost.Asio's reactor: its async_wait arms a descriptor anew by EPOLL_CTL_MOD for every wait,
// and a FIFO without writers then reports its hang-up at once, again and again (tried:
// DECISIONS.md).
class Poller {
 public:
  Poller();
  // `key` comes back with each event. Throws Failure.
  void add(int fd, std::uint32_t events, std::uint64_t key);
  void remove(int fd);
  // Waits until something happens or `until` has come (empty: for ever), to some microseconds where
  // is_exact, else to a millisecond. Returned events are valid until the next call.
  std::span<const epoll_event> wait(std::optional<Nanoseconds> until, Nanoseconds now);

  bool is_exact() const { return exact_; }

 private:
  Fd epoll_;
  bool exact_;
  std::array<epoll_event, 256> events_;
};

}  // namespace standpipe::worker
