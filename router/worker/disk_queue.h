// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/failure.h"
#include "base/reporter.h"
#include "deliver/delivery.h"
#include "deliver/queue_options.h"
#include "deliver/queue_record.h"
#include "log/arena.h"
#include "log/disk_log.h"
#include "log/log.h"
#include "state/directory.h"
#include "state/persistent.h"
#include "worker/queue_files.h"
#include "worker/queue_reports.h"
#include "worker/queue_writer.h"
#include "worker/unsynced.h"

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
//   source's log ─ from ─▶ writer's thread ─▶ segments ─ feed ─▶ log of the queue ─ to ─▶ handler
//
// What is known of the segments is in QueueFiles, what people are told in QueueReports.
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

  deliver::Delivery& from() { return from_; }
  const deliver::Delivery& from() const { return from_; }
  const deliver::Delivery& to() const { return *to_; }
  // For the handler; once.
  std::unique_ptr<deliver::Delivery> take_delivery() { return std::move(made_to_); }
  std::uint32_t delivery_id() const { return to_->id(); }
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
  bool is_writing() const { return batch_.has_value(); }
  // All that came is in the files.
  bool is_moved() const;
  // What was moved is on the disk, as far as its `sync` asks for that.
  bool is_synced() const { return !batch_ && unsynced_.empty(); }
  bool has_files() const { return !files_.empty(); }
  // It is full of what outputs were given, which may be taken back where a reader has gone.
  bool wants_recall() { return std::exchange(wants_recall_, false); }
  // Its source's log is full, and no file can be written to: a queue that drops gives way. true:
  // it has dropped some.
  bool give_way();
  // The hub ends, and nothing is handled any more: what is left is on the disk for the next start.
  void finish();

  // Messages that the handler is not through with, and of those the ones that are only in files.
  std::uint64_t waiting() const;
  std::uint64_t in_files() const { return state_->next - state_->fed; }
  // Of the segments from the one on that is being read.
  std::uint64_t bytes() const { return files_.bytes_from(state_->read_segment); }
  // Of all of them, and what is being written.
  std::uint64_t bytes_on_disk() const { return files_.bytes() + (batch_ ? batch_->bytes : 0); }
  std::uint64_t size_max() const { return options_.queue.size_max; }
  // Why it takes no more; empty: it does.
  const std::string& stuck() const { return reports_.why_stuck(); }
  void check_invariants() const;

  // ---- an overflow
  bool is_overflow() const { return options_.is_overflow; }
  bool is_armed() const { return from_.is_queued(); }
  // Its handler is away, for that reason, and holds back others. Commits.
  void press(const std::string& why, const std::string& help);
  // Its handler is there again: what is not on the disk yet can wait.
  void release() { is_pressed_ = false; }
  // When it was armed; the wall clock.
  Nanoseconds since() const { return needs_.clock.wall_at(Nanoseconds(state_->since_ns)); }

 private:
  // What outlives the worker.
  struct State {
    std::uint64_t begun;         // 1: the files of earlier runs were found
    std::uint64_t others;        // what `from` had saved elsewhere before
    std::uint64_t segment;       // the one that is written to; 0: the next message begins one
    std::uint64_t end_bytes;     // of it
    std::uint64_t next;          // number of the next message that is moved
    std::uint64_t fed;           // number of the next message that is fed
    std::uint64_t read_segment;  // where that is; 0: in the next one that is begun
    std::uint64_t read_offset;
    std::uint64_t boundary;  // position in the log after what segments before that one had
    std::uint64_t skipped;   // numbers that were passed over since the log was empty
    std::uint64_t armed;     // 1: what comes goes to the files
    std::uint64_t since_ns;  // when it was armed; the steady clock
  };
  // What the writer has.
  struct Batch {
    std::uint64_t segment = 0;
    std::uint64_t messages = 0;  // 0: it only syncs
    std::uint64_t bytes = 0;     // at most
    log::Cursor end = {};        // in the source's log
    bool reopens = false;        // the segment was there and is to be opened
    bool is_mark = false;        // it only says how far the handler is
  };
  struct Found {
    deliver::QueueRecord record;
    std::span<const std::byte> frame, fields;
  };

  // ---- begin
  bool prepare();
  void begin();
  bool open_last(State& state);
  void set_aside(std::uint64_t first, const Failure& failure);
  std::uint64_t done_of(std::uint64_t first);
  void recover();
  void reopen();

  // ---- source's log -> files
  bool take_done();
  void move(Step& step);
  bool gather(QueueWriter::Job& job, Batch& batch);
  void post(QueueWriter::Job job, const Batch& batch);
  void complete(QueueWriter::Done done);
  void fail(const Failure& failure, const Batch& batch);
  void begin_another(std::optional<log::DiskLog> lost);
  void make_room(Step& step);
  void drop_oldest();
  std::uint64_t drop_waiting();
  std::pair<std::uint64_t, std::uint64_t> room() const;
  std::optional<Nanoseconds> sync_due() const;
  bool is_to_drain(Nanoseconds now);
  bool rolls() const;
  bool takes() const;

  // ---- files -> the queue's log (disk_queue_feed.cpp)
  void feed(Step& step);
  bool put(log::DiskLog& file, const Found& found, log::DiskLog::ReadPosition at);
  bool put_described(const Found& found, std::uint64_t offset);
  bool put_run(log::DiskLog& file, const Found& found, log::DiskLog::ReadPosition at);
  void feed_written(Step& step);
  bool put_written(QueueWriter::Run& run, std::uint64_t offset);
  bool add_run(std::size_t bytes, std::size_t count, std::uint64_t time);
  void note_fed(std::uint64_t messages, std::uint64_t offset);
  log::DiskLog* reading();
  std::optional<Found> next_record(log::DiskLog& file, log::DiskLog::ReadPosition& at) const;
  void pass_over(std::uint64_t until, deliver::Reason reason);
  void end_segment(deliver::Reason reason);
  void leave_segment(const Failure& failure);

  // ---- the end of segments
  void trim(Step& step);
  void disarm();
  void retire();
  void end_lost();
  std::uint64_t settled_number() const;
  std::optional<std::uint64_t> markable() const;
  std::optional<Nanoseconds> mark_due() const;
  void post_mark();

  std::string name() const { return reports_.name(); }

  DiskQueueOptions options_;
  DiskQueueNeeds needs_;
  QueueFiles files_;
  QueueReports reports_;
  state::Memory& memory_;
  state::Persistent<State> state_;
  log::Log log_;
  deliver::Delivery& from_;
  std::unique_ptr<deliver::Delivery> made_to_;
  deliver::Delivery* to_;
  bool is_prepared_ = false;          // what is there was found; until then nothing is done
  std::optional<log::DiskLog> file_;  // the one that is written to, if the writer has it not
  std::optional<Batch> batch_;
  std::vector<QueueWriter::Run> written_;  // just now, and not fed yet: the handler keeps up
  Unsynced unsynced_;
  std::optional<Nanoseconds> retry_at_, read_retry_at_, drained_since_, drain_until_;
  std::uint64_t marked_ = 0;  // up to which message the handler is known to be through, on the disk
  Nanoseconds marked_at_{0};
  std::optional<log::Position> full_at_;  // how far its log was trimmed when it had no room
  bool wants_recall_ = false, has_recalled_ = false;
  bool is_pressed_ = false;       // of an overflow
  std::uint64_t overflowed_ = 0;  // by all of them, before the batch that is gathered
};

}  // namespace standpipe::worker
