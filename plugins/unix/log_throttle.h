// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace unix_socket {

// Lines for the log about what clients do, who may do it without pause: five at once, and one a
// second after that. The next one says how many were left out.
class LogThrottle {
 public:
  std::optional<std::string> line(std::string text) {
    const auto now = Clock::now();
    if (now - last_ >= kEvery) {
      last_ = now;
      allowed_ = left_out_ > 0 ? 1 : kAtOnce;
    }
    if (allowed_ == 0) {
      ++left_out_;
      return std::nullopt;
    }
    --allowed_;
    if (const auto more = std::exchange(left_out_, 0); more > 0)
      text += "; " + std::to_string(more) + " such lines were left out";
    return text;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kEvery{1};
  static constexpr int kAtOnce = 5;

  Clock::time_point last_ = Clock::now() - kEvery;
  int allowed_ = 0;
  std::uint64_t left_out_ = 0;
};

}  // namespace unix_socket
