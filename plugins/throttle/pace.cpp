// SPDX-License-Identifier: Apache-2.0
#include "pace.h"

#include <algorithm>

namespace {

// The clock is read at least every second; what is more than this is a jump.
constexpr auto kStepMost = std::chrono::seconds(2);

}  // namespace

Pace::Pace(const Limits& limits)
    : interval_(static_cast<std::int64_t>(1e9 / limits.rate)),
      early_(interval_ * (limits.burst - 1)),
      keys_max_(limits.keys) {}

Pace::nanoseconds Pace::at(nanoseconds wall) {
  if (wall_) now_ += std::clamp<nanoseconds>(wall - *wall_, nanoseconds(0), kStepMost);
  wall_ = wall;
  return now_;
}

Pace::nanoseconds Pace::due(std::string_view key, nanoseconds now) {
  return std::max(now, arrival(key, now) - early_);
}

void Pace::count(std::string_view key, nanoseconds now) {
  auto& arrival_of_key = arrival(key, now);
  arrival_of_key = std::max(arrival_of_key, now) + interval_;
}

Pace::nanoseconds& Pace::arrival(std::string_view key, nanoseconds now) {
  std::string text(key);
  if (const auto known = arrivals_.find(text); known != arrivals_.end()) return known->second;
  if (arrivals_.size() >= keys_max_) forget(now);
  if (arrivals_.size() >= keys_max_) return others_;
  return arrivals_.emplace(std::move(text), now).first->second;
}

// A key whose arrival has passed is as one that never came. Not at each message: it looks at all.
void Pace::forget(nanoseconds now) {
  if (now < forget_at_) return;
  std::erase_if(arrivals_, [now](const auto& entry) { return entry.second <= now; });
  forget_at_ = now + std::chrono::milliseconds(100);
}
