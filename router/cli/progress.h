// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "cli/streams.h"

namespace standpipe::cli {

// How far a long task is, on one line of a terminal, drawn anew ten times a second; silent for the first two seconds, and
// altogether when standard error is no terminal.
class Progress {
 public:
  Progress(StandardError& err, std::optional<std::uint64_t> total, Nanoseconds now);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void at(std::uint64_t done, Nanoseconds now);
  void clear();

 private:
  StandardError& err_;
  std::optional<std::uint64_t> total_;
  Nanoseconds began_, drawn_;
  bool shown_ = false;
};

// "  [######------]  64,012/100,000  21k/s  2 s left"
std::string progress_text(std::uint64_t done, std::optional<std::uint64_t> total, Nanoseconds elapsed);

}  // namespace standpipe::cli
