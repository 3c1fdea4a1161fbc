// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/limits.h"
#include "match/json.h"
#include "match/regex.h"

namespace standpipe::match {

// One piece of metadata; a name may occur several times.
struct Meta {
  std::string_view name, value;
};

// What routes see of a message. Borrowed.
struct Message {
  std::span<const std::byte> payload;
  std::span<const Meta> meta = {};
};

// How far a message is looked into.
struct LookLimits {
  std::uint64_t match_max = kMatchMaxDefault;    // of a payload's bytes; a larger one is not
  std::uint64_t slow_patterns_max = UINT64_MAX;  // of a text that slow patterns are tried on
};

// A message while conditions are tried on it: its payload is parsed as JSON when that is first
// asked for, and at most once.
class Look {
 public:
  Look(const Message& message, Json& json, const LookLimits& limits)
      : message_(message), json_(json), limits_(limits) {}

  std::uint64_t size() const { return message_.payload.size(); }
  std::span<const Meta> meta() const { return message_.meta; }
  bool is_too_large() const { return message_.payload.size() > limits_.match_max; }
  const LookLimits& limits() const { return limits_; }
  // Whether a pattern is tried on a text of that size.
  bool affords(const Regex& pattern, std::size_t bytes) {
    if (!pattern.may_be_slow() || bytes <= limits_.slow_patterns_max) return true;
    has_left_patterns_ = true;
    return false;
  }
  bool has_left_patterns() const { return has_left_patterns_; }
  std::string_view text() const {
    return {reinterpret_cast<const char*>(message_.payload.data()), message_.payload.size()};
  }
  Json::Verdict verdict() {
    if (!is_parsed_) {
      verdict_ = json_.parse(text());
      is_parsed_ = true;
    }
    return verdict_;
  }
  // Only where the verdict is good.
  const Json& json() const { return json_; }

 private:
  Message message_;
  Json& json_;
  LookLimits limits_;
  bool is_parsed_ = false;
  bool has_left_patterns_ = false;
  Json::Verdict verdict_ = Json::Verdict::broken;
};

}  // namespace standpipe::match
