// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "cli/streams.h"

namespace standpipe::cli {

// The progress of a long task, on one line of a terminal, redrawn ten times a second. It is silent
// for the first two seconds, and always when standard error is not a terminal.
class Progress {
 public:
  // `done`: what was done with what is counted, where no total is known.
  Progress(StandardError& err, std::optional<std::uint64_t> total, Nanoseconds now,
           std::string_view done = "sent");
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void at(std::uint64_t done, Nanoseconds now);
  void clear();

 private:
  StandardError& err_;
  std::optional<std::uint64_t> total_;
  Nanoseconds began_, drawn_;
  std::string_view done_;
  bool shown_ = false;
};

// "  [######------]  64,012/100,000  21k/s  2 s left"
std::string progress_text(std::uint64_t done, std::optional<std::uint64_t> total,
                          Nanoseconds elapsed, std::string_view verb = "sent");

}  // namespace standpipe::cli
