// SPDX-License-Identifier: Apache-2.0
#include "worker/queue_writer.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <utility>

#include "base/invariant.h"
#include "base/signals.h"
#include "frame/wire_scan.h"

namespace standpipe::worker {
namespace {

std::optional<Failure> append_run(log::DiskLog& file, const QueueWriter::Run& run) {
  auto record = run.first;
  auto rest = run.frames;
  std::array<frame::Frame, 64> found;
  while (!rest.empty()) {
    const auto scan = frame::scan_wire(rest, found);
    INVARIANT(scan.frames > 0, rest.size(), record.number);
    std::size_t begin = 0;
    for (std::size_t f = 0; f < scan.frames; ++f) {
      const auto frame = rest.subspan(begin, found[f].end - begin);
      if (auto failure = file.append(record.meta(), {&frame, 1}, run.fields)) return failure;
      begin = found[f].end;
      ++record.number;
      ++record.sequence;
    }
    rest = rest.subspan(scan.consumed);
  }
  INVARIANT(record.number == run.first.number + run.count, record.number, run.count);
  return std::nullopt;
}

// Opens the file and appends; what counts then is up to the caller.
std::optional<Failure> append_all(QueueWriter::Job& job) try {
  if (job.before) job.before();
  if (!job.file) job.file.emplace(log::DiskLog::resume(job.path, job.end));
  for (const auto& run : job.runs)
    if (auto failure = append_run(*job.file, run)) return failure;
  return std::nullopt;
} catch (const Failure& failure) {
  return failure;
}

// Whoever begins a file or syncs one waits for the disk, which serves many at once about as quickly
// as one. So where there are many, helpers share them: a thousand queues that get their first
// messages together would take half a minute one after the other.
constexpr std::size_t kHelpersMost = 32;
constexpr std::size_t kEnoughForOne = 4;

template <class Of, class Do>
void share(const std::vector<Of*>& all, Do do_one) {
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (auto i = next++; i < all.size(); i = next++) do_one(*all[i]);
  };
  std::vector<std::thread> helpers;
  try {
    while (helpers.size() < std::min(kHelpersMost, all.size() / kEnoughForOne))
      helpers.push_back(start_without_signals(work));
  } catch (const Failure&) {  // then there are fewer
  }
  work();
  for (auto& helper : helpers) helper.join();
}

}  // namespace

QueueWriter::~QueueWriter() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  posted_.notify_one();
  thread_.join();
}

void QueueWriter::post(const void* whose, Job job) {
  if (!thread_.joinable()) thread_ = start_without_signals([this] { work(); });
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({.whose = whose, .job = std::move(job)});
  }
  posted_.notify_one();
}

std::optional<QueueWriter::Done> QueueWriter::take(const void* whose) {
  const std::lock_guard lock(mutex_);
  auto found = done_.extract(whose);
  if (found.empty()) return std::nullopt;
  return std::move(found.mapped());
}

QueueWriter::Done QueueWriter::wait(const void* whose) {
  std::unique_lock lock(mutex_);
  did_.wait(lock, [&] { return done_.contains(whose); });
  return std::move(done_.extract(whose).mapped());
}

void QueueWriter::work() {
  std::vector<Work> all;
  std::unique_lock lock(mutex_);
  for (;;) {
    posted_.wait(lock, [&] { return !waiting_.empty() || ends_; });
    if (waiting_.empty()) return;
    all.clear();
    std::swap(all, waiting_);
    lock.unlock();
    do_all(all);
    lock.lock();
    for (auto& w : all) done_.insert_or_assign(w.whose, std::move(w.done));
    did_.notify_all();
    wake_();
  }
}

// All are written before the first is synced: nobody waits for another's disk to be written to.
void QueueWriter::do_all(std::vector<Work>& all) {
  std::vector<Work*> beginning, syncing;
  for (auto& work : all) {
    if (work.job.before)
      beginning.push_back(&work);
    else
      write(work);
  }
  share(beginning, write);
  for (auto& work : all)
    if (work.job.sync == Sync::yes && !work.done.is_gone && !work.done.failure)
      syncing.push_back(&work);
  share(syncing, [](Work& work) { work.done.failure = work.job.file->sync(); });
  for (auto& [whose, job, done] : all) {
    done.runs = std::move(job.runs);
    if (job.file) done.end = job.file->bytes();
    done.file = std::move(job.file);  // it knows what a sync that failed has left in doubt
  }
}

void QueueWriter::write(Work& work) {
  auto& [whose, job, done] = work;
  if (job.mark) (void)log::DiskLog::write_done(job.mark->path, job.mark->records);
  done.is_gone = job.file && !job.file->is_at_its_path();
  if (done.is_gone || !job.writes()) return;
  done.failure = append_all(job);
  if (done.failure) job.file.reset();  // it may have collected some of the records
  if (!done.failure && job.sync == Sync::no) done.failure = job.file->write();
}

}  // namespace standpipe::worker
