// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/failure.h"
#include "deliver/queue_options.h"
#include "log/disk_log.h"
#include "log/position.h"
#include "worker/queue_files.h"
#include "worker/queue_gather.h"
#include "worker/queue_progress.h"
#include "worker/queue_reports.h"
#include "worker/queue_writer.h"
#include "worker/unsynced.h"

namespace standpipe::worker {

// Where a queue on disk grows: the segment that its messages are written to, and the one job that
// the writer's thread has for it at a time (a batch of messages, a sync, or a mark). The file is
// lent for that. A batch counts when it is in the file, and is tried again when it is not.
//
// A full segment is synced before the next batch begins another, so that only the last one waits
// for a sync; but it waits a moment for a handler that keeps up, since what was handled needs none.
//
// The loop's thread.
class QueueTail {
 public:
  // All must outlive it.
  QueueTail(const deliver::QueueOptions& options, QueueProgress& progress, QueueFiles& files,
            QueueReports& reports, QueueWriter& writer, const Clock& clock)
      : options_(options),
        progress_(progress),
        files_(files),
        reports_(reports),
        writer_(writer),
        clock_(clock) {}

  // ---- what was there before
  // The file that an earlier run wrote to last.
  void open(std::optional<log::DiskLog> file) { file_ = std::move(file); }
  // The one that an earlier worker of this run wrote to, as far as that was committed.
  void reopen();
  void close() { file_.reset(); }

  // ---- moving
  // A batch may be written now. Otherwise it waits, for the writer too, or begins to sync.
  // `settled`: the number of the first message that the handler is not through with.
  bool begin_batch(std::uint64_t settled);
  // What was gathered, some messages, as the next batch.
  void write(QueueGather&& gathered);
  // That many of the first records of a file are done with.
  void mark(std::uint64_t segment, std::uint64_t records);
  bool is_writing() const { return batch_.has_value(); }
  // true: a job has ended.
  bool take_done();
  void wait();  // until it has ended, if there is one
  // No matter when it failed the last time.
  void retry_now() { retry_at_.reset(); }

  // What was written just now and is still in the source's log. What is not taken from here is read
  // when it is due.
  const std::vector<QueueWriter::Run>& written() const { return written_; }
  std::vector<QueueWriter::Run> take_written() { return std::exchange(written_, {}); }
  void forget_written() { written_.clear(); }

  // The next batch begins a segment.
  bool rolls() const;
  // To be read. nullptr: the writer has it now. Throws Failure.
  log::DiskLog* file();
  // It cannot be read: what comes begins another.
  void leave_segment();
  // The handler is through with all before that message, which need not be synced for it.
  void passed(std::uint64_t settled) { unsynced_.passed(settled, progress_.state().next); }
  // Nothing waits in files any more.
  void retire();
  // All is on the disk, as far as `sync` asks for that.
  bool is_synced() const { return !batch_ && unsynced_.empty(); }
  std::optional<Failure> sync();
  std::uint64_t bytes_in_writing() const { return batch_ ? batch_->bytes : 0; }  // at most
  std::optional<Nanoseconds> wake_at() const;

 private:
  // What the writer has.
  struct Batch {
    std::uint64_t segment = 0;
    std::uint64_t messages = 0;  // 0: it only syncs
    std::uint64_t bytes = 0;     // at most
    log::Cursor end = {};        // in the source's log
    bool reopens = false;        // the segment was there and is to be opened
    bool is_mark = false;        // it only says how far the handler is
  };

  bool waits_for_handler(std::uint64_t settled);
  void post(QueueWriter::Job job, const Batch& batch);
  void complete(QueueWriter::Done done);
  void count(const Batch& batch, std::uint64_t end_bytes);
  void fail(const Failure& failure, const Batch& batch);
  void begin_another(std::optional<log::DiskLog> lost);
  std::optional<Nanoseconds> sync_due() const;

  const deliver::QueueOptions& options_;
  QueueProgress& progress_;
  QueueFiles& files_;
  QueueReports& reports_;
  QueueWriter& writer_;
  const Clock& clock_;
  std::optional<log::DiskLog> file_;  // if the writer has it not
  std::optional<Batch> batch_;
  std::vector<QueueWriter::Run> written_;
  Unsynced unsynced_;
  std::optional<Nanoseconds> retry_at_, drain_until_;
};

}  // namespace standpipe::worker
