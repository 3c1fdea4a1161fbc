// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <optional>
#include <span>

#include "base/clock.h"
#include "base/fd.h"
#include "worker/poller.h"
#include "worker/round_times.h"
#include "worker/timers.h"

namespace standpipe::worker {

// What wakes the worker's loop: descriptors that epoll reports, timers that are due, and other
// threads. Each has a key (event_key.h), which the loop only passes on.
//
// `now` is read once a round, when the wait is over: it is the same for all that happens in a
// round, and costs nothing to ask for.
class EventLoop {
 public:
  // `wake_key` is reported when another thread has called `wake`. Throws Failure.
  EventLoop(const Clock& clock, std::uint64_t wake_key);

  Nanoseconds now() const { return now_; }
  void read_clock() { now_ = clock_.steady(); }

  // Edge-triggered, as poller.h says. Throws Failure.
  void watch(int fd, std::uint32_t events, std::uint64_t key) { poller_.add(fd, events, key); }
  void unwatch(int fd) { poller_.remove(fd); }
  // Whether timers are due to some microseconds, and not only to a millisecond.
  bool is_exact() const { return poller_.is_exact(); }

  // A key has at most one timer; empty: none.
  void set_timer(std::uint64_t key, std::optional<Nanoseconds> when) { timers_.set(key, when); }
  void set_timer_if_none(std::uint64_t key, Nanoseconds when) { timers_.set_if_none(key, when); }

  void wake();  // any thread

  // Waits until something happens, or not at all if there `is_work` already. Events carry the time
  // of the last round, timers that of this one.
  template <class OnEvent, class OnTimer>
  void wait(bool is_work, OnEvent on_event, OnTimer on_timer) {
    if (!is_work) rounds_.end(clock_.steady());
    const auto events = poll(is_work);
    if (!is_work && !events.empty()) rounds_.begin(clock_.steady());
    for (const auto& event : events) {
      if (event.data.u64 == wake_key_) end_wake();
      on_event(event.data.u64, std::uint32_t{event.events});
    }
    read_clock();
    if (is_work) rounds_.end(now_);
    rounds_.begin(now_);
    for (const auto key : timers_.due(now_)) on_timer(key);
  }
  const RoundTimes::Longest& longest_round() const { return rounds_.longest(); }

 private:
  std::span<const epoll_event> poll(bool is_work) {
    return poller_.wait(is_work ? now_ : timers_.next(), now_);
  }
  void end_wake();

  const Clock& clock_;
  std::uint64_t wake_key_;
  Poller poller_;
  Timers timers_;
  RoundTimes rounds_;
  Fd wake_;  // an eventfd
  Nanoseconds now_;
};

}  // namespace standpipe::worker
