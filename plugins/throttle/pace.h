// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

// When each message may pass, so that there are never more than the burst at once and the rate over
// time: the generic cell rate algorithm. It needs one time a key: the *theoretical arrival time*,
// when the next message would come from a sender that keeps exactly to the rate. A message may be
// early by the burst.
//
// Times are its own: those of a clock that is read often, without its jumps. So a wall clock does,
// and one that is set to the next day lets no day's messages pass.
class Pace {
 public:
  using nanoseconds = std::chrono::nanoseconds;

  struct Limits {
    double rate;          // messages a second
    std::uint32_t burst;  // messages
    std::size_t keys;     // at most so many are told apart; the others share one
  };
  explicit Pace(const Limits& limits);
  nanoseconds interval() const { return interval_; }

  // The time now, from what the wall clock says.
  nanoseconds at(nanoseconds wall);
  // When a message with that key may pass, if it comes at `now`; that it comes counts only by
  // `count`.
  nanoseconds due(std::string_view key, nanoseconds now);
  void count(std::string_view key, nanoseconds now);

 private:
  nanoseconds& arrival(std::string_view key, nanoseconds now);
  void forget(nanoseconds now);

  nanoseconds interval_;
  nanoseconds early_;  // how much earlier than its arrival a message may pass
  std::size_t keys_max_;
  std::optional<nanoseconds> wall_;
  nanoseconds now_{0};
  std::unordered_map<std::string, nanoseconds> arrivals_;
  nanoseconds others_{0};
  nanoseconds forget_at_{0};
};
