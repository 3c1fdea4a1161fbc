// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

// When a log file is put aside, and how: log -> log.1 -> log.2 ... -> log.KEEP, which is overwritten. Only names change.
class Rotation {
 public:
  struct Limits {
    std::optional<std::uint64_t> size;  // bytes
    std::optional<std::chrono::nanoseconds> age;
    unsigned keep = 5;
  };
  explicit Rotation(Limits limits) : limits_(limits) {}

  // Asked between messages. An empty file is never put aside, so no rotated file is empty.
  bool is_due(std::uint64_t size, std::chrono::nanoseconds age) const;
  // Returns 0 or the errno of the renaming that failed; then `path` still names the file.
  int put_aside(const std::string& path) const;

 private:
  Limits limits_;
};
