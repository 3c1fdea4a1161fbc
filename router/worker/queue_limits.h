// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "deliver/backlog.h"
#include "deliver/delivery.h"
#include "deliver/queue_options.h"
#include "frame/codec.h"
#include "worker/pending_counts.h"

namespace standpipe::worker {

// The limits of what waits for single handlers of one source (`queue: { type: memory }`), where
// messages come in: whether any may come now, and which of them find their queues full. What is
// dropped later, to make room, is the QueuePolicy's.
class QueueLimits {
 public:
  // `words`: of a set of the source's deliveries.
  explicit QueueLimits(std::size_t words) : with_room_(words), full_(words) {}

  // Where the queue is no queue in memory, there is no limit.
  void add(deliver::Delivery& delivery, const deliver::QueueOptions& queue);
  // Of the deliveries that have any.
  std::vector<deliver::Backlog>& backlogs() { return backlogs_; }
  // Nothing may be appended now, because a queue is full and its handler's writers are to wait. A
  // feed's turn is not cut by it, so a queue may be over its limits by one turn.
  bool is_blocked();
  // Messages that come may find a queue full. Only then are they to be split.
  bool drops_newest() const { return drops_newest_; }

  // Of frames that are all for `set`: for how many of the first ones the same queues have room, at
  // least one. These are with_room(), and the others of the set full(), until it is called again.
  // `begin`: where the first one begins, counted as their ends are; `pending`: what was appended
  // and is not in the account yet.
  std::size_t split(std::span<const frame::Frame> frames, std::size_t begin,
                    std::span<const std::uint64_t> set, const PendingCounts& pending);
  std::span<const std::uint64_t> with_room() const { return with_room_; }
  std::span<const std::uint64_t> full() const { return full_; }

  // Counts what is to be trimmed, before it is.
  void update();

 private:
  std::vector<deliver::Backlog> backlogs_;
  bool drops_newest_ = false;
  std::vector<std::uint64_t> with_room_, full_;
};

}  // namespace standpipe::worker
