// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/json_text.h"

// A message as it lies in a log.
struct Record {
  std::string payload;
  std::vector<std::pair<std::string, std::string>> meta;
  std::optional<std::chrono::nanoseconds> time;  // when it was accepted, since 1970
};

// Reads lines of format jsonl (common/json.h writes them).
class Lines {
 public:
  explicit Lines(std::size_t bytes_max) : json_(bytes_max) {}
  // Why it is no record; empty: it is one, and `record` is that.
  std::string_view parse(std::string_view line, Record& record);

 private:
  common::JsonText json_;
};

// nullopt: it is no base64.
std::optional<std::string> from_base64(std::string_view text);
