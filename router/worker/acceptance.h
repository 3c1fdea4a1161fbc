// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/clock.h"
#include "base/reporter.h"
#include "worker/discarding.h"
#include "worker/feed.h"
#include "worker/fifo_stream.h"
#include "worker/intake.h"
#include "worker/memory_wait.h"
#include "worker/skipping.h"

namespace standpipe::worker {

// A stream that makes sense: bytes to the log, whole frames to the index. It finds what is no
// frame: a length over the limit begins the discarding; a frame is truncated when its writer left
// inside it, or wrote nothing for long while others wait for the memory that it holds.
class Acceptance {
 public:
  Acceptance(FifoStream& stream, Skipping& skipping, Discarding& discarding, const Clock& clock,
             Reporter& reporter)
      : stream_(stream),
        skipping_(skipping),
        discarding_(discarding),
        clock_(clock),
        reporter_(reporter),
        memory_wait_(stream, clock, reporter) {}

  // Indexes what the log has of the stream. false: there is no room for that now.
  bool index(Intake& intake);
  // The same as part of a turn of the loop, which it ends where it takes long. nullopt: all of it
  // is indexed.
  std::optional<Turn> index_in_turn(Intake& intake);
  // FIFO -> `room`, which is the log's and not empty. Commits; index it then.
  source::Accepted accept(Intake& intake, std::span<std::byte> room, StageHook* hook = nullptr);
  // Call it when there is no room. true: none is needed any more, because the frame that needed it
  // was truncated.
  bool stand_still(Intake& intake);
  // Of the frame at the end only that many bytes will ever come. Commits.
  void truncate(Intake& intake, std::uint64_t bytes);
  // Others wait for memory. true: a large frame of which nothing came for long (limits.h), though
  // there was room, is abandoned.
  bool end_dribble(Intake& intake);
  MemoryWait& memory_wait() { return memory_wait_; }
  const MemoryWait& memory_wait() const { return memory_wait_; }
  // Since when writers have sent nothing, though there was room (steady clock).
  Nanoseconds came() const { return came_; }

 private:
  FifoStream& stream_;
  Skipping& skipping_;
  Discarding& discarding_;
  const Clock& clock_;
  Reporter& reporter_;
  Nanoseconds came_{0};
  MemoryWait memory_wait_;
};

}  // namespace standpipe::worker
