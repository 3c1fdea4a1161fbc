// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "deliver/send_queue.h"
#include "deliver/stage.h"
#include "log/log.h"

namespace standpipe::deliver {

// What a relay put into a stage before it was asked for: which bytes of which log they are. When
// the queue comes to exactly these bytes, they are committed instead of copied; when it comes to
// others, they are dropped, and copied from the log after all.
//
// Of all logs one at a time, and joined: the bytes of an incomplete frame that lie between the
// stage's last ones and these are copied, as far as they are few (64 KiB).
class Prefetch {
 public:
  explicit Prefetch(Stage& stage) : stage_(stage) {}
  Prefetch(const Prefetch&) = delete;
  Prefetch& operator=(const Prefetch&) = delete;

  // The next `most` bytes of the log lie in `from`, which keeps them, and are not in the log yet.
  // `all_written`: the stream ends with the log's last whole frame. Puts them into the stage if
  // they are what it continues with.
  void add(const log::Log& log, bool all_written, const Pipe& from, std::size_t most);
  // Commits those that are to be sent now. Returns how many; if others are to be sent, all are
  // dropped.
  std::uint64_t commit(SendQueue& queue);
  // Empties the stage, if there are any: its own bytes are written again.
  void drop(SendQueue& queue);
  // Bytes that were committed since the last call.
  std::uint64_t take_committed();

 private:
  bool is_of(const log::Log& log) const { return &log == log_ && log.drops() == drops_; }

  Stage& stage_;
  const log::Log* log_ = nullptr;
  std::uint64_t drops_ = 0;  // of the log: after its end, another number means other bytes
  log::Position at_;         // of the first byte prefetched
  std::uint64_t committed_ = 0;
};

}  // namespace standpipe::deliver
