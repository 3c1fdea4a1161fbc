// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/clock.h"

namespace standpipe::deliver {

// Where messages wait for one handler, and what happens when too many do. Each of its sources has a
// queue of its own for it, so the limits are for one source and one handler.
struct QueueOptions {
  enum class Type {
    none,    // in the source's log, with those of all other handlers
    memory,  // the same, and at most so many
    disk,    // in files of their own
  };
  enum class WhenFull {
    block,        // the source is not read, so its writers wait
    drop_newest,  // what comes is dropped
    drop_oldest,  // what waits longest is dropped
  };
  static constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};

  Type type = Type::none;
  std::uint64_t size_max = kNoLimit;      // bytes of frames
  std::uint64_t messages_max = kNoLimit;  // at least 1
  WhenFull when_full = WhenFull::block;
  // Of one on disk: how soon what was written is synced.
  static constexpr Nanoseconds kNever{0}, kAlways{-1};
  Nanoseconds sync = std::chrono::milliseconds(100);

  bool drops() const { return type == Type::memory && when_full != WhenFull::block; }
  // What of a queue in memory that drops a plugin or an output may have in its hands, where it
  // cannot be dropped: half of it, or one message.
  std::uint64_t messages_in_hand() const {
    return drops() ? std::max<std::uint64_t>(messages_max / 2, 1) : kNoLimit;
  }
  std::uint64_t bytes_in_hand() const {
    return drops() ? std::max<std::uint64_t>(size_max / 2, 1) : kNoLimit;
  }
};

}  // namespace standpipe::deliver
