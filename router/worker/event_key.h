// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace standpipe::worker {

// An event's key: what it is about, and which one.
enum Kind : std::uint64_t {
  kInlet,
  kHandler,
  kOutlet,
  kCompletion,
  kDeadline,
  kDribble,
  kKeeper,
  kControl,
  kCheckpoint,
  kFifos,
  kVisits,
  kReminder,
  kCalls,
  kOverflow,
  kReload,
  kSuccession,
  kQueue,
  kReplay,
};
inline std::uint64_t key(Kind kind, std::size_t index = 0) {
  return (std::uint64_t{kind} << 32) | index;
}
inline Kind kind_of(std::uint64_t k) { return static_cast<Kind>(k >> 32); }
inline std::size_t index_in(std::uint64_t k) { return k & 0xffffffffu; }

}  // namespace standpipe::worker
