// SPDX-License-Identifier: Apache-2.0
#include "worker/queue_limits.h"

#include <algorithm>

namespace standpipe::worker {

using Queue = deliver::QueueOptions;

void QueueLimits::add(deliver::Delivery& delivery, const Queue& queue) {
  if (queue.type != Queue::Type::memory) return;
  backlogs_.emplace_back(delivery, queue);
  drops_newest_ |= queue.when_full == Queue::WhenFull::drop_newest;
}

bool QueueLimits::is_blocked() {
  return std::any_of(backlogs_.begin(), backlogs_.end(), [](auto& backlog) {
    if (backlog.options().when_full != Queue::WhenFull::block) return false;
    backlog.update();
    return backlog.is_full();
  });
}

std::size_t QueueLimits::split(std::span<const frame::Frame> frames, std::size_t begin,
                               std::span<const std::uint64_t> set, const PendingCounts& pending) {
  std::copy(set.begin(), set.end(), with_room_.begin());
  std::fill(full_.begin(), full_.end(), 0);
  for (auto& backlog : backlogs_) {
    const auto bit = backlog.delivery().bit();
    const auto mask = std::uint64_t{1} << bit % 64;
    if (backlog.options().when_full != Queue::WhenFull::drop_newest || (set[bit / 64] & mask) == 0)
      continue;
    backlog.update();
    const auto stretch = backlog.stretch(frames, begin, pending.left_of(bit));
    if (!stretch.has_room) {
      with_room_[bit / 64] &= ~mask;
      full_[bit / 64] |= mask;
    }
    frames = frames.first(stretch.frames);
  }
  return frames.size();
}

void QueueLimits::update() {
  for (auto& backlog : backlogs_) backlog.update();
}

}  // namespace standpipe::worker
