// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace standpipe::deliver {

// Keeps a plugin that logs without end from filling the disk that the hub's log lies on: of each
// level, the first kLines lines and kBytes bytes of every kWindow are reported, and the others are
// counted. That is 20 KB a second at most. Each level has a share of its own, so that errors are
// not lost among what is only information.
//
// One thread at a time.
class LogThrottle {
 public:
  static constexpr std::uint64_t kLines = 400;
  static constexpr std::uint64_t kBytes = 64 * 1024;
  static constexpr Nanoseconds kWindow = std::chrono::seconds(10);
  static constexpr std::size_t kLevels = 3;  // errors, warnings, information

  // Whether the line is to be reported. The first one of a window always is.
  bool allow(std::size_t level, std::size_t bytes, Nanoseconds now) {
    auto& window = windows_[level];
    if (now - window.began >= kWindow) {
      ended_ += window.left_out;
      window = {.began = now};
    }
    const bool has_room = window.lines < kLines && window.bytes + bytes <= kBytes;
    if (!has_room && window.lines > 0) {
      ++window.left_out;
      return false;
    }
    ++window.lines;
    window.bytes += bytes;
    return true;
  }

  // Lines that were left out in windows that are over; once. Nanoseconds::max(): in all.
  std::uint64_t take_left_out(Nanoseconds now) {
    auto sum = ended_;
    ended_ = 0;
    for (auto& window : windows_) {
      if (now < window.began + kWindow) continue;
      sum += window.left_out;
      window.left_out = 0;
    }
    return sum;
  }

 private:
  struct Window {
    Nanoseconds began{-kWindow};
    std::uint64_t lines = 0, bytes = 0, left_out = 0;
  };
  std::array<Window, kLevels> windows_;
  std::uint64_t ended_ = 0;
};

}  // namespace standpipe::deliver
