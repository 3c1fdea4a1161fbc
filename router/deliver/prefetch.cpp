// SPDX-License-Identifier: Apache-2.0
#include "deliver/prefetch.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace standpipe::deliver {
namespace {

// Of an incomplete frame, copied so that what follows need not be.
constexpr std::size_t kGapMax = 64 * KiB;

}  // namespace

void Prefetch::add(const log::Log& log, bool all_written, const Pipe& from, std::size_t most) {
  if (stage_.prefetched() == 0) {
    if (!all_written) return;
    log_ = &log;
    drops_ = log.drops();
    at_ = log.end().position;
  } else if (!is_of(log)) {
    return;
  }
  // Between the stage's bytes and these are some of the log's: the beginning of a frame.
  const auto incomplete = log.unindexed();
  const auto tail = at_ + stage_.prefetched(), come = log.end().position + incomplete.size();
  if (tail > come || come - tail > std::min(incomplete.size(), kGapMax)) return;
  const auto gap = incomplete.last(come - tail);
  if (stage_.prefetch_copy(gap) == gap.size()) stage_.prefetch(from, most);
}

std::uint64_t Prefetch::commit(SendQueue& queue) {
  std::uint64_t committed = 0;
  while (stage_.prefetched() > 0) {
    SendQueue::StreamPosition next = queue.writing(), begin;
    const auto bytes = queue.next_bytes(next, begin);
    if (bytes.empty()) break;
    if (!is_of(queue.delivery_of(queue[begin.entry]).log()) ||
        begin.at.position + begin.skip != at_) {
      drop(queue);
      break;
    }
    const auto n = std::min<std::uint64_t>(bytes.size(), stage_.prefetched());
    stage_.commit(n);
    at_ = at_ + n;
    committed += n;
    if (n < bytes.size()) next = {begin.entry, begin.at, begin.skip + n};
    queue.wrote(n, next);
  }
  committed_ += committed;
  return committed;
}

void Prefetch::drop(SendQueue& queue) {
  if (stage_.prefetched() == 0) return;
  stage_.empty();
  queue.write_again();
}

std::uint64_t Prefetch::take_committed() { return std::exchange(committed_, 0); }

}  // namespace standpipe::deliver
