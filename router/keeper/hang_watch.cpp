// SPDX-License-Identifier: Apache-2.0
#include "keeper/hang_watch.h"

#include <algorithm>
#include <atomic>

namespace standpipe::keeper {
namespace {

// A timeout is detected at most a quarter late.
Nanoseconds interval_for(Nanoseconds timeout) {
  return std::clamp(timeout / 4, HangWatch::kIntervalLeast, HangWatch::kIntervalMost);
}

}  // namespace

void HangWatch::restart(std::span<state::Watch> watches) {
  *this = HangWatch();
  for (auto& watch : watches)
    seen_.push_back({.call = state::load_acquire(watch.call), .is_left_over = true});
}

std::vector<HangWatch::Hung> HangWatch::poll(std::span<state::Watch> watches, Nanoseconds now) {
  const auto passed = std::min(now - last_, interval_);
  last_ = now;
  interval_ = kIntervalWithoutTimeouts;
  seen_.resize(watches.size());
  std::vector<Hung> hung;
  for (std::size_t i = 0; i < watches.size(); ++i) {
    auto& seen = seen_[i];
    const auto call = state::load_acquire(watches[i].call);
    const Nanoseconds timeout(static_cast<std::int64_t>(
        std::min<std::uint64_t>(state::load_acquire(watches[i].timeout_ns), INT64_MAX)));
    if (timeout > Nanoseconds(0)) interval_ = std::min(interval_, kIntervalMost);
    const bool same = call == seen.call;
    seen.call = call;
    seen.is_left_over = seen.is_left_over && same;
    seen.waited = same ? seen.waited + passed : Nanoseconds(0);
    if (call % 2 == 0 || seen.is_left_over || timeout == Nanoseconds(0)) continue;
    if (seen.waited >= timeout) hung.push_back({i, call, timeout});
    interval_ = std::min(interval_, interval_for(timeout));
  }
  next_ = now + interval_;
  return hung;
}

}  // namespace standpipe::keeper
