// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "worker/queue_files.h"
#include "worker/queue_progress.h"

namespace standpipe::worker {

// How far the handler is, as the header of the queue's first segment says it to the next run,
// should this one end with all its processes. Once a second is enough: what is said again was
// handled twice for a second at most. A message in a later segment needs no mark, for the first one
// is deleted by then.
//
// The loop's thread.
class QueueMark {
 public:
  static constexpr Nanoseconds kEach = std::chrono::seconds(1);

  QueueMark(const QueueProgress& progress, const QueueFiles& files)
      : progress_(progress), files_(files) {}

  // The files say what is true now.
  void begin(Nanoseconds now) { set(progress_.settled_number(), now); }
  void set(std::uint64_t settled, Nanoseconds now) {
    marked_ = settled;
    marked_at_ = now;
  }
  // The number of the first message that the handler is not through with, if the header of the
  // first segment can say that, and does not yet.
  std::optional<std::uint64_t> wanted() const {
    const auto settled = progress_.settled_number();
    if (settled <= marked_ || settled >= progress_.state().next || files_.empty())
      return std::nullopt;
    return files_.that_has(settled) == files_.first() ? std::optional(settled) : std::nullopt;
  }
  // When it is to be written.
  std::optional<Nanoseconds> due() const {
    return wanted() ? std::optional(marked_at_ + kEach) : std::nullopt;
  }

 private:
  const QueueProgress& progress_;
  const QueueFiles& files_;
  std::uint64_t marked_ = 0;
  Nanoseconds marked_at_{0};
};

}  // namespace standpipe::worker
