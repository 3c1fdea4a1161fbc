// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/reporter.h"
#include "deliver/delivery.h"
#include "deliver/queue_options.h"
#include "log/arena.h"
#include "log/log.h"
#include "state/directory.h"
#include "worker/queue_files.h"
#include "worker/queue_gather.h"
#include "worker/queue_head.h"
#include "worker/queue_mark.h"
#include "worker/queue_progress.h"
#include "worker/queue_reports.h"
#include "worker/queue_tail.h"
#include "worker/queue_writer.h"

namespace standpipe::worker {

struct DiskQueueOptions {
  std::string data_dir, source, handler;
  deliver::QueueOptions queue;
  std::uint32_t slot = 0;              // among the queues
  std::uint64_t message_size_max = 0;  // bytes of a payload
  // It was not asked for, but takes what waits for a handler that is away
  // (worker/overflow_policy.h). Its limit is that of all such queues together.
  bool is_overflow = false;
};

struct DiskQueueNeeds {
  log::Arena& arena;
  QueueWriter& writer;
  const Clock& clock;
  Reporter& reporter;
  std::function<std::uint64_t()> overflowed = {};  // bytes on disk of all that are overflows
};

// The queue on disk that one source has for one handler. So a handler may be down for a day while
// its source goes on.
//
//   source's log ─ from ─▶ QueueTail ─▶ segments ─▶ QueueHead ─▶ log of the queue ─ to ─▶ handler
//
// The tail has messages written by the writer's thread, the head brings them back; how far each is
// stands in QueueProgress, what is known of the segments in QueueFiles, what people are told in
// QueueReports. This class says in which order they do their work, what a full queue does, and when
// segments go.
//
// It has two deliveries, which are both the handler's. `from`, in the source's log, gives nothing
// to the handler: its messages are moved to the files, in batches, and its cursor passes them when
// they are there. `to`, in a small log of the queue's own, gives the handler what comes back. A
// message is counted by `from` until it has been fed to the queue's log, and by `to` from then on,
// in one commit. So each of the two closes, and so does their sum, which is the account of that
// source and handler.
//
// An overflow is such a queue that is not always there: it is armed when the handler is away and
// holds others back, and while it is, all messages go through it, so that their order is kept.
// Messages move to the files while it is pressed (the handler is still away, and the log full) or
// while files have some. Once the files are empty, and the handler is through with all that came
// back, it is disarmed: `from` gives to the handler again, and the files are gone. Only a handler
// that takes messages empties it, so it cannot be armed and disarmed in turn by one that does not.
//
// A handler that keeps up is fed from the source's log what was just written, while the writer has
// what comes after, and nothing is read again: the files are there for a handler that is behind,
// and for the next run. Nor is anything synced for it: what it is through with may be lost.
//
// While the run lives, the committed end of the files is the truth: what lies after it is cut, and
// moved again. Without the run, all whole records are what is there. A message stays in its segment
// until the handler is through with it, and segments go one by one when all of theirs are. How many
// of the first one's that is, is written down each second, and at a stop.
//
// The loop's thread, but for the jobs of the QueueWriter.
class DiskQueue {
 public:
  // `from` is attached to the source's log. What an earlier run left is found.
  DiskQueue(DiskQueueOptions options, deliver::Delivery& from, const DiskQueueNeeds& needs);
  // Of one that an earlier worker left and nobody has now. The caller commits.
  static bool is_empty(const state::Memory& memory, const std::string& source,
                       const std::string& handler);
  static void rename(state::Memory& memory, const std::string& from, const std::string& to,
                     const std::string& handler);
  static std::uint32_t delivery_id(const state::Memory& memory, std::uint32_t slot) {
    return static_cast<std::uint32_t>(memory.plan().deliveries) + slot;
  }
  static bool remove(state::Memory& memory, state::Directory& directory, const std::string& source,
                     const std::string& handler);

  deliver::Delivery& from() { return progress_.from(); }
  const deliver::Delivery& from() const { return progress_.from(); }
  const deliver::Delivery& to() const { return progress_.to(); }
  // For the handler; once.
  std::unique_ptr<deliver::Delivery> take_delivery() { return std::move(made_to_); }
  std::uint32_t delivery_id() const { return to().id(); }
  log::Log& log() { return log_; }
  const std::string& handler() const { return options_.handler; }
  const std::string& folder() const { return files_.segments().folder(); }

  // What a step did.
  struct Step {
    bool moved = false;  // the source's log may be trimmed
    bool fed = false;    // the handler has something to do
    bool more = false;   // another step may do more at once
  };
  // Does what can be done now without waiting for the disk. `feeds`: also for the handler.
  Step advance(bool feeds);
  std::optional<Nanoseconds> wake_at() const;
  bool is_writing() const { return tail_.is_writing(); }
  // All that came is in the files.
  bool is_moved() const;
  // What was moved is on the disk, as far as its `sync` asks for that.
  bool is_synced() const { return tail_.is_synced(); }
  bool has_files() const { return !files_.empty(); }
  // It is full of what outputs were given, which may be taken back where a reader has gone.
  bool wants_recall() { return std::exchange(wants_recall_, false); }
  // Its source's log is full, and no file can be written to: a queue that drops gives way. true:
  // it has dropped some.
  bool give_way();
  // The hub ends, and nothing is handled any more: what is left is on the disk for the next start.
  void finish();

  // Messages that the handler is not through with, and of those the ones that are only in files.
  std::uint64_t waiting() const { return progress_.waiting(); }
  std::uint64_t in_files() const { return progress_.in_files(); }
  // Of the segments from the one on that is being read.
  std::uint64_t bytes() const { return files_.bytes_from(progress_.state().read_segment); }
  // Of all of them, and what is being written.
  std::uint64_t bytes_on_disk() const { return files_.bytes() + tail_.bytes_in_writing(); }
  std::uint64_t size_max() const { return options_.queue.size_max; }
  // Why it takes no more; empty: it does.
  const std::string& stuck() const { return reports_.why_stuck(); }
  void check_invariants() const;

  // ---- an overflow
  bool is_overflow() const { return options_.is_overflow; }
  bool is_armed() const { return from().is_queued(); }
  // Its handler is away, for that reason, and holds back others. Commits.
  void press(const std::string& why, const std::string& help);
  // Its handler is there again: what is not on the disk yet can wait.
  void release() { is_pressed_ = false; }
  // When it was armed; the wall clock.
  Nanoseconds since() const {
    return needs_.clock.wall_at(Nanoseconds(progress_.state().since_ns));
  }

 private:
  // ---- begin
  bool prepare();
  void begin();
  void recover();

  // ---- source's log -> files
  void move(Step& step);
  bool takes() const;
  QueueGather::Limits room() const;
  void make_room(Step& step);
  void drop_oldest();
  std::uint64_t drop_waiting();

  // ---- files -> the queue's log
  void feed(Step& step);
  void feed_written(Step& step);

  // ---- the end of segments
  void trim(Step& step);
  void disarm();
  void retire();
  void end_lost();
  void leave_rest();
  void post_mark();

  DiskQueueOptions options_;
  DiskQueueNeeds needs_;
  QueueFiles files_;
  QueueReports reports_;
  log::Log log_;
  std::unique_ptr<deliver::Delivery> made_to_;
  QueueProgress progress_;
  QueueTail tail_;
  QueueHead head_;
  QueueMark mark_;
  // When it is looked again for what is there, and until then nothing is done; none: it was found.
  std::optional<Nanoseconds> prepare_at_;
  std::optional<Nanoseconds> drained_since_;
  bool wants_recall_ = false, has_recalled_ = false;
  bool is_pressed_ = false;  // of an overflow
};

}  // namespace standpipe::worker
