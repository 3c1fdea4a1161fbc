// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/failure.h"
#include "deliver/account.h"
#include "deliver/queue_record.h"
#include "log/disk_log.h"
#include "log/log.h"
#include "log/position.h"
#include "worker/queue_files.h"
#include "worker/queue_progress.h"
#include "worker/queue_reports.h"
#include "worker/queue_tail.h"
#include "worker/queue_writer.h"

namespace standpipe::worker {

// Where a queue on disk is read: brings what lies in its files into the queue's log, in order, as
// far as there is room. What was just written is brought from where it still lies in memory.
//
// Records that cannot be read are passed over, and their messages are dropped (damaged). A file
// that cannot be opened now is no damaged one: it is tried again.
//
// The loop's thread.
class QueueHead {
 public:
  // All must outlive it.
  QueueHead(QueueProgress& progress, QueueFiles& files, QueueTail& tail, QueueReports& reports,
            const Clock& clock)
      : progress_(progress),
        log_(progress.log()),
        files_(files),
        tail_(tail),
        reports_(reports),
        clock_(clock) {}

  struct Fed {
    bool any = false;   // the handler has something to do
    bool more = false;  // another step may bring more at once
  };
  // A part of what is there.
  Fed feed();
  // true: some found room. The others are read when there is some.
  bool feed_written(std::vector<QueueWriter::Run> written);

  // Messages before that number are not fed. The caller commits.
  void pass_over(std::uint64_t until, deliver::Reason reason);
  // All that can be read of the segment was fed, or is passed over. Commits.
  void pass_over_gap();
  void end_segment(deliver::Reason reason);
  std::optional<Nanoseconds> wake_at() const;

 private:
  struct Found {
    deliver::QueueRecord record;
    std::span<const std::byte> frame, fields;
  };

  void feed_some(Fed& fed);
  log::DiskLog* reading();
  std::optional<Found> next_record(log::DiskLog& file, log::DiskLog::ReadPosition& at) const;
  bool put(log::DiskLog& file, const Found& found, log::DiskLog::ReadPosition at);
  bool put_described(const Found& found, std::uint64_t offset);
  bool put_run(log::DiskLog& file, const Found& found, log::DiskLog::ReadPosition at);
  bool put_written(QueueWriter::Run& run, std::uint64_t offset);
  bool add_run(std::size_t bytes, std::size_t count, std::uint64_t time);
  void note_fed(std::uint64_t messages, std::uint64_t offset);
  void leave_segment(const Failure& failure);

  QueueProgress& progress_;
  log::Log& log_;  // the queue's
  QueueFiles& files_;
  QueueTail& tail_;
  QueueReports& reports_;
  const Clock& clock_;
  std::optional<Nanoseconds> retry_at_;
  std::optional<log::Position> full_at_;  // how far the log was trimmed when it had no room
};

}  // namespace standpipe::worker
