// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <standpipe/plugin.hpp>
#include <string_view>

namespace common {

// Reports messages that a source cannot bring, whose peers nobody can tell: the first one, and then
// every ten seconds how many there were.
class LeftOut {
 public:
  explicit LeftOut(standpipe::Host host) : host_(host) {}
  void add(std::string_view why);

 private:
  using Clock = std::chrono::steady_clock;
  standpipe::Host host_;
  std::uint64_t count_ = 0;  // since the last report
  Clock::time_point quiet_until_;
};

}  // namespace common
