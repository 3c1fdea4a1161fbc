// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <span>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>

#include "common/rfc3339.h"
#include "common/spool.h"

namespace common {

// A message as one JSON object on a line of its own:
//   {"source":"orders","sequence":7,"time":"2024-05-01T12:00:00.250Z","size":5,"text":"hello"}
// A payload that is not UTF-8 is "base64" instead of "text", so nothing is lost. A message that has
// metadata of its own has it before the payload:
//   "meta":{"key":"k7","header":["a","b"],"id":{"base64":"/w=="}}
// A name that occurs several times has a list of its values.
//
// Most messages have the source and the time of the one before: what is written of these is kept.
class JsonLines {
 public:
  void append(Spool& out, const standpipe::Message& message);

 private:
  static void append_meta(Spool& out, std::span<const standpipe_pair> pairs);
  void begin_with(std::string_view source);
  void be_at(std::chrono::milliseconds time);

  std::string source_;
  std::string head_;  // up to the sequence; empty: of no source yet
  std::chrono::milliseconds time_{-1};
  char written_time_[kRfc3339Bytes] = {};
};

}  // namespace common
