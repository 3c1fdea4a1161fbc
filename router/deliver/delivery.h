// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "base/clock.h"
#include "deliver/account.h"
#include "frame/codec.h"
#include "log/log.h"

namespace standpipe::deliver {

// Messages of one delivery, in a row: from `begin` to `end` in its log, `count` of them wanted.
struct Range {
  log::Cursor begin;
  log::Cursor end;
  std::uint64_t count = 0;
};

// One source's messages on their way to one handler: a cursor on the source's log, and the books.
//
// `next` is the first frame that was not given out yet. What was given out stays in `open` ranges until it is final (delivered,
// filtered, dropped ...), which may happen out of order; the log is held from the first open range on.
//
//   log.trimmed <= settled() <= next <= log.end
//   matched = settled tally + open messages + messages behind next
class Delivery {
 public:
  Delivery(std::string source, log::Log& log, const frame::Codec& codec, std::size_t bit);

  const std::string& source() const { return source_; }
  log::Log& log() const { return log_; }
  const frame::Codec& codec() const { return codec_; }
  std::size_t bit() const { return bit_; }
  Tally& tally() { return tally_; }
  const Tally& tally() const { return tally_; }

  log::Cursor next() const { return next_; }
  log::Cursor settled() const { return open_.empty() ? next_ : open_.front().begin; }
  bool has_open() const { return !open_.empty(); }
  // Frames at or behind next, as far as is known without looking: the log has grown since the last batch ended at its end.
  bool may_have_more() const { return next_ < log_.end(); }

  // Gives out everything up to range.end.
  void give_out(const Range& range);
  // Moves `next` over frames that are for others, so that they do not hold the log back.
  void skip_unwanted();
  // The part of an open range from `begin` on was not looked at: it is the next to be given out again. It must be the last open
  // one.
  void take_back(log::Cursor begin, std::uint64_t count);
  // These messages, part of an open range, are final. The caller books them.
  void finish(const Range& part);

  // The hub stops: all that is not final is dropped, for that reason.
  void abandon(Reason reason);

  std::uint64_t in_flight() const;
  void check_invariants() const;

  // Open messages that are to be given again, in order, before everything else of this delivery. Nothing between the messages of
  // one range is final, so that a batch of them is a range, too.
  struct Again {
    Range range;
    std::uint32_t attempt;  // the next one's number
  };
  void give_again(const Range& range, std::uint32_t attempt, Nanoseconds due);
  std::deque<Again> again;
  Nanoseconds again_due{0};

 private:
  std::string source_;
  log::Log& log_;
  const frame::Codec& codec_;
  std::size_t bit_;
  Tally tally_;
  log::Cursor next_;
  std::deque<Range> open_;  // in order, not overlapping
};

}  // namespace standpipe::deliver
