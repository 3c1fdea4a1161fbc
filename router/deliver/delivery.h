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
#include "log/row.h"

namespace standpipe::deliver {

// Messages of one delivery, in a row: from `begin` to `end` in its log, `count` of them wanted.
struct Range {
  log::Cursor begin;
  log::Cursor end;
  std::uint64_t count = 0;
};

// Whether messages may have killed a worker. Those that may are given as they are, as a batch; and where nobody could name who it
// was, alone in the whole hub, so that the next death tells.
enum class Suspicion : std::uint16_t { none, named, alone };

// Open messages that are to be given again. Nothing between the messages of one range is final, so that a batch of them is a range,
// too.
struct Again {
  Range range;
  std::uint32_t attempt = 1;  // the next one's number
  std::uint16_t deaths = 0;   // of workers that had only these messages in a call
  Suspicion suspect = Suspicion::none;
};

// As many as may come back at once: what four outputs hold of alternating messages, one by one, and a batch besides.
using AgainRow = log::Row<Again, 320>;

// One source's messages on their way to one handler: a cursor on the source's log, and the books.
//
// `next` is the first frame that was not given out yet. What was given out stays in `open` ranges until it is final (delivered,
// filtered, dropped ...), which may happen out of order; the log is held from the first open range on.
//
//   log.trimmed <= settled() <= next <= log.end
//   matched = settled tally + saved + open messages + messages behind next
//
// What its handler may not get in this run can be saved on the disk instead (worker/overflow.h): it is in flight still, and not
// in the log's way. From then on nothing is given out any more, so that order is kept.
//
// The books, `next` and what is to be given again outlive the worker; the caller commits. Open ranges are derived: whoever has open
// messages (a call, a sending, what is to be given again) tells them to the next worker's delivery by `take_up`.
class Delivery {
 public:
  Delivery(std::string source, const std::string& handler, std::uint32_t id, log::Log& log, const frame::Codec& codec,
           std::size_t bit);

  const std::string& source() const { return source_; }
  std::uint32_t id() const { return id_; }  // in all of the hub's deliveries
  log::Log& log() const { return log_; }
  const frame::Codec& codec() const { return codec_; }
  std::size_t bit() const { return bit_; }
  Tally& edit_tally() { return kept_.edit().tally; }
  const Tally& tally() const { return kept_->tally; }

  log::Cursor next() const { return kept_->next; }
  log::Cursor settled() const { return open_.empty() ? next() : open_.front().begin; }
  bool has_open() const { return !open_.empty(); }
  const std::deque<Range>& open() const { return open_; }
  // Frames at or behind next, as far as is known without looking: the log has grown since the last batch ended at its end.
  bool may_have_more() const { return next() < log_.end(); }

  // Gives out everything up to range.end.
  void give_out(const Range& range);
  // Moves `next` over frames that are for others, so that they do not hold the log back.
  void skip_unwanted();
  // The part of an open range from `begin` on was not looked at: it is the next to be given out again. It must be the last open
  // one.
  void take_back(log::Cursor begin, std::uint64_t count);
  // These messages, part of an open range, are final. The caller books them.
  void finish(const Range& part);
  // A range that an earlier worker had given out, and that is not final.
  void take_up(const Range& range);

  // The hub stops: all that is not final is dropped, for that reason.
  void abandon(Reason reason);

  // ---- messages that wait for the next start on the disk
  std::uint64_t saved() const { return kept_->saved; }
  // Whether nobody but this delivery has what it gave out: it all comes again.
  bool has_all() const;
  // All before `end`, a frame's boundary, is saved. has_all(). The caller commits.
  void save_before(log::Cursor end);

  std::uint64_t in_flight() const;
  void check_invariants() const;

  // Open messages that come again, in order, before everything else of this delivery.
  const AgainRow& again() const { return again_; }
  AgainRow& again() { return again_; }
  void give_again(const Again& again, Nanoseconds due);
  Nanoseconds again_due{0};

 private:
  struct Record {
    log::Cursor next;
    Tally tally;
    std::uint64_t saved;
  };

  std::string source_;
  std::uint32_t id_;
  log::Log& log_;
  const frame::Codec& codec_;
  std::size_t bit_;
  log::Kept<Record> kept_;
  AgainRow again_;
  std::deque<Range> open_;  // in order, not overlapping
};

}  // namespace standpipe::deliver
