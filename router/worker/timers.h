// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace standpipe::worker {

// Who wants to be woken when. Each key has at most one time.
class Timers {
 public:
  void set(std::uint64_t key, std::optional<Nanoseconds> when) {
    const auto had = times_.find(key);
    if (had != times_.end()) {
      if (when && had->second == *when) return;
      order_.erase({had->second, key});
      times_.erase(had);
    }
    if (!when) return;
    times_.emplace(key, *when);
    order_.emplace(*when, key);
  }
  void set_if_none(std::uint64_t key, Nanoseconds when) {
    if (!times_.contains(key)) set(key, when);
  }
  std::optional<Nanoseconds> next() const {
    if (order_.empty()) return std::nullopt;
    return order_.begin()->first;
  }
  // Keys whose time has come; they are forgotten.
  std::vector<std::uint64_t> due(Nanoseconds now) {
    std::vector<std::uint64_t> keys;
    while (!order_.empty() && order_.begin()->first <= now) {
      keys.push_back(order_.begin()->second);
      times_.erase(order_.begin()->second);
      order_.erase(order_.begin());
    }
    return keys;
  }

 private:
  std::map<std::uint64_t, Nanoseconds> times_;
  std::set<std::pair<Nanoseconds, std::uint64_t>> order_;
};

// Indexes that want a turn, each at most once, first come first served.
class Ready {
 public:
  explicit Ready(std::size_t size = 0) : queued_(size) {}
  void add(std::size_t index) {
    if (index >= queued_.size()) queued_.resize(index + 1);
    if (queued_[index]) return;
    queued_[index] = true;
    waiting_.push_back(index);
  }
  bool empty() const { return waiting_.empty(); }
  // Those that wait now; what is added meanwhile waits for the next round.
  std::vector<std::size_t>& round() {
    taken_.clear();
    std::swap(taken_, waiting_);
    for (const auto i : taken_) queued_[i] = false;
    return taken_;
  }

 private:
  std::vector<bool> queued_;
  std::vector<std::size_t> waiting_, taken_;
};

}  // namespace standpipe::worker
