// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <standpipe/open.hpp>
#include <string>

// When a log file is rotated, and how: log -> log.1 -> log.2 ... -> log.KEEP, which is overwritten.
// Only names change, all in the folder where the file really is. A file that somebody holds the
// lock of (another log writes to `log.1`) stays, and with it all others: to move it would send its
// writer elsewhere, to overwrite it would lose what it writes.
class Rotation {
 public:
  struct Limits {
    std::optional<std::uint64_t> size;  // bytes
    std::optional<std::chrono::nanoseconds> age;
    unsigned keep = 5;
  };
  explicit Rotation(Limits limits) : limits_(limits) {}
  const Limits& limits() const { return limits_; }

  // Asked between messages. An empty file is never rotated, so no rotated file is empty.
  bool is_due(std::uint64_t size, std::chrono::nanoseconds age) const;
  // Returns why it failed, for people; then the log still has its name. Empty: done.
  std::string rotate(const standpipe::paths::Entry& log) const;
  // Rotated files beyond `keep`, left from when it was larger: those that follow it without a gap,
  // so that nothing is taken for one that only looks so (a date). Returns what was done, for
  // people; empty: there was none.
  std::string remove_rest(const standpipe::paths::Entry& log) const;

 private:
  Limits limits_;
};
