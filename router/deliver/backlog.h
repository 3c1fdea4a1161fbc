// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>

#include "deliver/delivery.h"
#include "deliver/queue_options.h"
#include "frame/codec.h"
#include "log/position.h"

namespace standpipe::deliver {

// What waits of one delivery in its source's log, and its limits: `queue: { type: memory }`. There
// is no copy: the queue is the part of the log from the delivery's first message that is not final
// to the end. So what its plugin has in a call, and what an output was given and its reader has not
// taken, is in it as well.
//
// Messages are counted by the account. Bytes are counted by walking over each run of the index once
// when it comes and once when it is passed; what was dropped behind something that somebody has is
// a gap there. Nothing of it outlives the worker, because the next one counts again. The loop's
// thread.
class Backlog {
 public:
  Backlog(Delivery& delivery, const QueueOptions& options)
      : delivery_(delivery), options_(options) {
    recount();
  }

  Delivery& delivery() const { return delivery_; }
  const QueueOptions& options() const { return options_; }
  std::uint64_t messages() const {
    const auto& tally = delivery_.tally();
    return tally.matched - tally.settled() - delivery_.saved();
  }
  std::uint64_t bytes() const { return bytes_; }  // of their frames

  // Counts what has come and what was passed since. To be called before the log is trimmed, and
  // before any of the following.
  void update();
  // Nothing more may come, if a queue that is full blocks.
  bool is_full() const {
    return messages() >= options_.messages_max || bytes_ >= options_.size_max;
  }
  // A message that is larger than the whole queue may be in it alone.
  bool is_over() const {
    return messages() > options_.messages_max || (bytes_ > options_.size_max && messages() > 1);
  }

  // Of frames that are to be appended: how many of the first ones find room, or how many do not. A
  // message larger than the whole queue finds room in an empty one.
  struct Stretch {
    std::size_t frames = 0;
    bool has_room = true;
  };
  // `begin`: where the first one begins, counted as their ends are; `pending`: messages that were
  // appended and are not in the account yet.
  Stretch stretch(std::span<const frame::Frame> frames, std::size_t begin,
                  std::uint64_t pending = 0) const;

  // Drops the oldest messages that are in nobody's hands, until the queue is within its limits.
  // Returns how many. The caller commits.
  std::uint64_t drop_oldest();
  // The same, until about so many bytes are dropped: the log is full of other messages after them.
  std::uint64_t drop_oldest(std::uint64_t bytes);

 private:
  struct Excess {
    std::uint64_t messages, bytes;
    std::uint64_t most;  // messages that may go because of the bytes
    bool empty() const { return messages == 0 && (bytes == 0 || most == 0); }
  };
  std::uint64_t drop(Excess excess);
  std::uint64_t drop_of(const Range& range, Excess& excess);

  // Between what is counted, and of which nothing waits.
  struct Gap {
    log::Cursor end;
    std::uint64_t bytes;
  };
  void recount();
  std::uint64_t bytes_between(log::Cursor from, log::Cursor to) const;
  void add_gap(log::Cursor from, log::Cursor to);

  Delivery& delivery_;
  QueueOptions options_;
  log::Cursor from_, to_;  // what is counted
  std::deque<Gap> gaps_;   // in order
  std::uint64_t bytes_ = 0;
};

}  // namespace standpipe::deliver
