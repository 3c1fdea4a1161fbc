// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace standpipe::worker {

// What a source is doing, as `stats` says it. Whatever keeps it from serving has a kind of its own
// here.
struct SourceState {
  enum class Kind {
    serving,      // writers can reach it, and what they write is accepted
    discarding,   // its stream stopped making sense: what comes is thrown away until all its
                  // writers have gone
    unreachable,  // its path no longer leads to the FIFO that it reads
    waiting,      // for memory: a large frame has none, and nothing is read meanwhile
  };
  Kind kind = Kind::serving;
  std::optional<Nanoseconds> since = {};  // wall clock; empty while serving
  std::string reason = {};  // for people: a sentence without its end; empty while serving
  std::optional<std::uint64_t> discarded_bytes = {};  // since then, if it discards
};

constexpr std::string_view name_of(SourceState::Kind kind) {
  switch (kind) {
    case SourceState::Kind::serving:
      return "serving";
    case SourceState::Kind::discarding:
      return "discarding";
    case SourceState::Kind::unreachable:
      return "unreachable";
    case SourceState::Kind::waiting:
      return "waiting";
  }
  return "";
}

}  // namespace standpipe::worker
