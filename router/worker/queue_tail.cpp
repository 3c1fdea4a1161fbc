// SPDX-License-Identifier: Apache-2.0
#include "worker/queue_tail.h"

#include <algorithm>
#include <chrono>
#include <string>

#include "base/limits.h"

namespace standpipe::worker {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kQueueRetry = 5s;  // after a failure of the disk
constexpr std::uint64_t kSegmentLeast = 128 * KiB, kSegmentMost = 16 * MiB;
constexpr std::uint64_t kSegmentsAQueue = 8;
// How long a full segment may wait for a handler that keeps up, so that it is deleted, not synced.
constexpr Nanoseconds kDrainMost = 10ms;

}  // namespace

void QueueTail::reopen() try {
  const auto& state = progress_.state();
  // Nobody knows what the worker before synced.
  if (options_.sync > Nanoseconds(0)) unsynced_.wrote(state.fed, clock_.steady());
  files_[state.segment].bytes = state.end_bytes;
  file_.emplace(log::DiskLog::resume(files_.path(state.segment), state.end_bytes));
} catch (const Failure& failure) {
  reports_.trouble(failure);
}

bool QueueTail::begin_batch(std::uint64_t settled) {
  if (batch_) return false;
  const auto now = clock_.steady();
  if (retry_at_ && now < *retry_at_) return false;
  retry_at_.reset();
  const auto due = sync_due();
  if (!due) return true;
  if (now < *due && waits_for_handler(settled)) return false;
  if (now < *due && !rolls()) return true;
  post({.sync = QueueWriter::Sync::yes}, {});
  return false;
}

// A full segment of which the handler has had most, and is about to have the rest: when it is
// through with that the segment is deleted, and nothing of it is written to the disk.
bool QueueTail::waits_for_handler(std::uint64_t settled) {
  const auto& state = progress_.state();
  const auto half = state.segment + (state.next - state.segment) / 2;
  const bool keeps_up = progress_.in_files() == 0 || !written_.empty();
  if (!rolls() || !keeps_up || settled < half) {
    drain_until_.reset();
    return false;
  }
  const auto now = clock_.steady();
  if (!drain_until_) drain_until_ = now + kDrainMost;
  return now < *drain_until_;
}

void QueueTail::write(QueueGather&& gathered) {
  QueueWriter::Job job;
  job.runs = gathered.take_runs();
  if (options_.sync == deliver::QueueOptions::kAlways) job.sync = QueueWriter::Sync::yes;
  post(std::move(job),
       {.messages = gathered.messages(), .bytes = gathered.bytes(), .end = gathered.end()});
}

void QueueTail::mark(std::uint64_t segment, std::uint64_t records) try {
  writer_.post(
      this, {.mark = QueueWriter::Mark{files_.path(segment), static_cast<std::uint32_t>(records)}});
  batch_ = {.is_mark = true};
} catch (const Failure&) {  // it comes the next time
}

bool QueueTail::rolls() const {
  const auto& state = progress_.state();
  return state.segment == 0 || state.end_bytes >= std::clamp(options_.size_max / kSegmentsAQueue,
                                                             kSegmentLeast, kSegmentMost);
}

void QueueTail::post(QueueWriter::Job job, const Batch& batch) try {
  const auto& state = progress_.state();
  drain_until_.reset();
  batch_ = batch;
  const bool is_new = batch.messages > 0 && rolls();
  batch_->segment = is_new ? state.next : state.segment;
  if (is_new)
    job.before = [segments = files_.segments()] { segments.make_folder(); };
  else
    job.file = std::exchange(file_, std::nullopt);
  batch_->reopens = !is_new && !job.file;
  job.path = files_.path(batch_->segment);
  job.end = is_new ? 0 : state.end_bytes;
  writer_.post(this, std::move(job));
} catch (const Failure& failure) {
  complete({.failure = failure});
}

bool QueueTail::take_done() {
  if (!batch_) return false;
  auto done = writer_.take(this);
  if (!done) return false;
  complete(std::move(*done));
  return true;
}

void QueueTail::wait() {
  if (batch_) complete(writer_.wait(this));
}

void QueueTail::complete(QueueWriter::Done done) {
  const auto batch = *std::exchange(batch_, std::nullopt);
  if (batch.is_mark) return;
  if (done.is_gone) return begin_another(std::move(done.file));
  if (progress_.in_files() == 0) written_ = std::move(done.runs);
  const bool is_of_segment = batch.segment == progress_.state().segment;
  if (is_of_segment || !done.failure) file_ = std::move(done.file);
  if (done.failure) {
    written_.clear();
    return fail(*done.failure, batch);
  }
  retry_at_.reset();
  if (batch.messages > 0 || reports_.has_failed()) reports_.takes_again();
  if (batch.messages == 0) return unsynced_.reset();
  count(batch, done.end);
}

void QueueTail::count(const Batch& batch, std::uint64_t end_bytes) {
  if (options_.sync > Nanoseconds(0)) unsynced_.wrote(progress_.state().next, clock_.steady());
  auto& file = files_[batch.segment];
  file.bytes = end_bytes;
  if (progress_.wrote(batch.segment, end_bytes, batch.messages, batch.end))
    file.log_begin = file.log_end = progress_.log().end().position.bytes;
}

// Tried again, and a sync as well: the file writes again what is in doubt.
void QueueTail::fail(const Failure& failure, const Batch& batch) {
  retry_at_ = clock_.steady() + kQueueRetry;
  if (!file_) unsynced_.reset();
  // What it has may be read all the same; what comes begins another.
  if (batch.reopens && !file_) progress_.leave_segment();
  const std::string why(failure.what());
  reports_.failed(batch.messages > 0 ? why
                                     : why +
                                           ": what was written since the last sync may not survive "
                                           "a failure of power",
                  failure.help());
}

// The segment that was written to has been removed by somebody else. What it has can be read as
// long as it is open.
void QueueTail::begin_another(std::optional<log::DiskLog> lost) {
  const auto& state = progress_.state();
  const auto& queue_log = progress_.log();
  reports_.was_removed(files_.path(state.segment));
  files_.lose(state.segment, std::move(lost),
              state.read_segment == state.segment ? queue_log.end() : queue_log.trimmed());
  progress_.leave_segment();
  unsynced_.reset();
}

std::optional<Nanoseconds> QueueTail::sync_due() const {
  if (unsynced_.empty()) return std::nullopt;
  return *unsynced_.since() + options_.sync;
}

log::DiskLog* QueueTail::file() {
  const auto& state = progress_.state();
  if (batch_ && batch_->segment == state.segment) return nullptr;
  if (!file_) file_.emplace(log::DiskLog::resume(files_.path(state.segment), state.end_bytes));
  return &*file_;
}

void QueueTail::leave_segment() {
  file_.reset();
  unsynced_.reset();
  progress_.leave_segment();
}

void QueueTail::retire() {
  progress_.retire();
  file_.reset();
  unsynced_.reset();
  drain_until_.reset();
}

std::optional<Failure> QueueTail::sync() { return file_ ? file_->sync() : std::nullopt; }

std::optional<Nanoseconds> QueueTail::wake_at() const {
  if (batch_) return std::nullopt;
  const auto at = retry_at_ ? retry_at_ : sync_due();
  return drain_until_ ? std::min(at.value_or(*drain_until_), *drain_until_) : at;
}

}  // namespace standpipe::worker
