// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "deliver/account.h"
#include "deliver/latency.h"
#include "log/log.h"
#include "state/persistent.h"
#include "state/persistent_deque.h"

namespace standpipe::deliver {

// Messages of one delivery, in a row: from `begin` to `end` in its log, `count` of them wanted.
struct Range {
  log::Cursor begin;
  log::Cursor end;
  std::uint64_t count = 0;
};

// Whether messages may have killed a worker. Those that may are given as they are, as a batch; and
// where nobody could name who it was, alone in the whole hub, so that the next death tells.
enum class Suspicion : std::uint16_t { none, named, alone };

// Open messages that are to be redelivered. No message inside one range is final, so a batch of
// them is a range too.
struct Redelivery {
  Range range;
  std::uint32_t attempt = 1;  // the next one's number
  std::uint16_t deaths = 0;   // of workers that had only these messages in a call
  Suspicion suspect = Suspicion::none;
};

// As many as may come back at once: what four outputs hold of alternating messages, one by one, and
// a batch besides.
using Redeliveries = state::PersistentDeque<Redelivery, 320>;

// One source's messages on their way to one handler: a cursor on the source's log, and the
// counters.
//
// `next` is the first frame that was not given out yet. What was given out stays in `open` ranges
// until it is final (delivered, filtered, dropped ...), which may happen out of order; the log is
// held from the first open range on.
//
//   log.trimmed <= settled() <= next <= log.end
//   matched = settled tally + saved + open messages + messages after next
//
// What it has can be moved to a queue on disk instead of being given out (worker/disk_queue.h): it
// stays in flight, but no longer holds the log. As long as it is queued so nothing is given out, so
// that order is kept.
//
// The counters, `next` and what is to be redelivered outlive the worker; the caller commits. Open
// ranges are derived: whoever has open messages (a call, a queue entry, what is to be redelivered)
// tells them to the next worker's delivery by `recover`.
//
// The loop's thread only.
class Delivery {
 public:
  // `of`: of what it is, besides the source: a source and a handler have one delivery in the
  // source's log, and perhaps one in the log of a queue, and one in that of a replay.
  enum class Of { source, queue, replay };
  Delivery(std::string source, const std::string& handler, std::uint32_t id, log::Log& log,
           std::size_t bit, Of of = Of::source);

  // Of a delivery that an earlier worker left and nobody has now: whether all its messages are
  // final or saved on the disk, so that it can be removed. The caller commits.
  static bool is_settled(const state::Memory& memory, const std::string& source,
                         const std::string& handler, Of of = Of::source);
  static void rename(state::Memory& memory, const std::string& from, const std::string& to,
                     const std::string& handler, Of of = Of::source);
  static void remove(state::Memory& memory, const std::string& source, const std::string& handler,
                     Of of = Of::source);

  const std::string& source() const { return source_; }
  // What the source reads, for plugins; empty: no FIFO.
  const std::string& fifo() const { return fifo_; }
  void comes_from(std::string fifo) { fifo_ = std::move(fifo); }
  std::uint32_t id() const { return id_; }  // in all of the hub's deliveries
  Of of() const { return of_; }
  log::Log& log() const { return log_; }
  std::size_t bit() const { return bit_; }
  Tally& edit_tally() { return persistent_.edit().tally; }
  const Tally& tally() const { return persistent_->tally; }

  log::Cursor next() const { return persistent_->next; }
  log::Cursor settled() const { return open_.empty() ? next() : open_.front().begin; }
  bool has_open() const { return !open_.empty(); }
  const std::deque<Range>& open() const { return open_; }
  // Frames at or after next, as far as is known without looking: the log has grown since the last
  // batch ended at its end.
  bool may_have_more() const { return next() < log_.end(); }

  // Gives out everything up to range.end.
  void give_out(const Range& range);
  // Moves `next` over frames that are for others, so that they do not hold the log back.
  void skip_unwanted();
  // The part of an open range from `begin` on was not processed: it is the next to be redelivered.
  // It must be the last open one.
  void return_tail(log::Cursor begin, std::uint64_t count);
  // These messages, part of an open range, are final. The caller counts them.
  void finish(const Range& part);
  // A range that an earlier worker had given out, and that is not final.
  void recover(const Range& range);

  // The hub stops: all that is not final is dropped, for that reason; but not what lies before
  // `kept`, which is on the disk: that is saved. Returns how many are kept so. The caller commits.
  std::uint64_t drop_rest(Reason reason, log::Cursor kept = {});

  // ---- messages that are on the disk
  std::uint64_t saved() const { return persistent_->saved; }
  // Whether nobody but this delivery has what it gave out: all of it is redelivered.
  bool has_all() const;
  // All before `end`, a frame's boundary, is saved. has_all(). The caller commits.
  void save_before(log::Cursor end);

  // What lies before `end`, a frame's boundary, and is in nobody's hands, is dropped: what is to be
  // redelivered, and what was not given out. Returns how many messages. The caller commits.
  std::uint64_t drop_before(log::Cursor end, Reason reason);

  // ---- a replay of dead letters (worker/replay.h)
  bool is_replay() const { return is_replay_; }
  void set_replay() { is_replay_ = true; }
  // What is in nobody's hands is taken back, as if it had never come; returns how many messages.
  // `taken`: hears of each range before. The caller commits.
  std::uint64_t withdraw(const std::function<void(log::Cursor begin, log::Cursor end)>& taken);

  // ---- the queue on disk that takes all that it has (worker/disk_queue.h): what is saved is
  // there. The caller commits each.
  bool is_queued() const { return is_queued_; }
  void set_queued(bool is_queued) { is_queued_ = is_queued; }
  // The queue has that many of an earlier run.
  void bring_saved(std::uint64_t count);
  // They are counted by the queue's own delivery from now on.
  void hand_over_saved(std::uint64_t count);
  void drop_saved(std::uint64_t count, Reason reason);

  // ---- how long messages take, from being accepted until they are final
  // Samples: what was delivered since the last sample counts as its oldest message. To be called
  // before the log is trimmed. `clock` is read when there is something, at most once for all that
  // share `wall`.
  void sample_latency(const Clock& clock, std::optional<Nanoseconds>& wall);
  const Latency& latency() const { return latency_; }

  std::uint64_t in_flight() const;
  // When the oldest message that is not final was accepted, ns since 1970, as far as that is found
  // at once. What is saved on disk does not count.
  std::optional<std::uint64_t> oldest() const { return log_.time_of_next(settled(), bit_); }
  void check_invariants() const;

  // Open messages that are redelivered, in order, before everything else of this delivery.
  const Redeliveries& redeliveries() const { return redeliveries_; }
  Redeliveries& redeliveries() { return redeliveries_; }
  void redeliver(const Redelivery& redelivery, Nanoseconds due);
  // The same of many, in order; those that follow each other become one.
  void redeliver_all(std::span<const Redelivery> redeliveries, Nanoseconds due);
  Nanoseconds redelivery_due{0};

 private:
  std::uint64_t in_flight_before(log::Cursor end) const;
  std::uint64_t pass_before(log::Cursor end);
  void join_with_next(std::size_t place);

  struct DeliveryRecord {
    log::Cursor next;
    Tally tally;
    std::uint64_t saved;
  };

  std::string source_;
  std::string fifo_;
  std::uint32_t id_;
  log::Log& log_;
  std::size_t bit_;
  Of of_;
  bool is_queued_ = false;
  bool is_replay_ = false;
  state::Persistent<DeliveryRecord> persistent_;
  Redeliveries redeliveries_;
  std::deque<Range> open_;  // in order, not overlapping
  // Of this worker alone.
  Latency latency_;
  log::Cursor sampled_;
  std::uint64_t sampled_delivered_ = 0;
};

}  // namespace standpipe::deliver
