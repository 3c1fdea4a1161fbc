// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>

// Text of a program as the host takes texts: bytes that are not UTF-8 are written as \xff, and a
// long text is cut. What would rewrite a screen is the host's business.
std::string shown(std::string_view text, std::size_t most);

// What a program prints, line by line in the hub's log. A program that floods it costs the hub a
// few lines a second: the others are counted and left out.
class LineLog {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kShownMost = 1000;        // bytes of a line
  static constexpr unsigned kBurst = 100;                // lines at once ...
  static constexpr std::chrono::milliseconds kEach{50};  // ... and then one in that time

  explicit LineLog(standpipe::Host host) : host_(host) {}
  void append(std::string_view bytes, Clock::time_point now);
  // The program has ended: what is left is a line.
  void end(Clock::time_point now);
  const std::string& last() const { return last_; }  // line that was not empty, as it was logged

 private:
  void add(std::string_view piece);
  void end_line(Clock::time_point now);
  bool may_log(Clock::time_point now);
  void report_left_out();

  standpipe::Host host_;
  std::string line_;              // the beginning of the line that has not ended
  std::uint64_t line_bytes_ = 0;  // all of it
  std::string last_;
  unsigned allowed_ = kBurst;
  Clock::time_point counted_{};
  std::uint64_t left_out_ = 0;
};
