// SPDX-License-Identifier: Apache-2.0
#include "deliver/letter_writer.h"

#include <condition_variable>
#include <deque>
#include <exception>
#include <thread>
#include <utility>

#include "base/signals.h"

namespace standpipe::deliver {

void LetterJob::finish(std::optional<Failure> with) {
  failure = std::move(with);
  is_written = true;
  told();
  is_done = true;
  is_done.notify_all();
}

struct LetterWriter::Queue {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> jobs;
  bool ends = false;
  std::thread thread;

  // Where no thread can be had, the caller does it.
  void add(std::function<void()> job) {
    try {
      if (!thread.joinable()) thread = start_without_signals([this] { work(); });
    } catch (const Failure&) {
      return job();
    }
    {
      const std::lock_guard lock(mutex);
      jobs.push_back(std::move(job));
    }
    changed.notify_one();
  }

  bool is_ending() {
    const std::lock_guard lock(mutex);
    return ends;
  }

  void work() {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [&] { return !jobs.empty() || ends; });
      if (jobs.empty()) return;
      const auto job = std::move(jobs.front());
      jobs.pop_front();
      lock.unlock();
      job();
      lock.lock();
    }
  }
};

LetterWriter::LetterWriter(DeadLetters letters, std::uint64_t& removed)
    : letters_(std::move(letters)), removed_(removed), queue_(std::make_unique<Queue>()) {}

LetterWriter::~LetterWriter() {
  if (!queue_->thread.joinable()) return;
  {
    const std::lock_guard lock(queue_->mutex);
    queue_->ends = true;
  }
  queue_->changed.notify_one();
  queue_->thread.join();
}

void LetterWriter::post(std::shared_ptr<LetterJob> job) {
  queue_->add([this, job = std::move(job)] { job->finish(put(job->letters)); });
}

std::optional<Failure> LetterWriter::write(std::span<const DeadLetter> letters) {
  return put(letters);
}

void LetterWriter::clean() {
  queue_->add([this] { remove_old(); });
}

std::optional<Failure> LetterWriter::put(std::span<const DeadLetter> letters) {
  const std::lock_guard lock(mutex_);
  auto failure = letters_.put(letters);
  count_removed();
  return failure;
}

void LetterWriter::reopen() {
  queue_->add([this] {
    const std::lock_guard lock(mutex_);
    letters_.reopen();
  });
}

void LetterWriter::remove_old() {
  {
    const std::lock_guard lock(mutex_);
    letters_.remove_old();
    count_removed();
  }
  if (is_replaying()) return;  // it compacts at its end
  // Where that fails, what was replayed is left out all the same.
  begin_rewrite(std::nullopt, [](std::uint64_t, const std::optional<Failure>&) {});
}

void LetterWriter::compact(std::function<void(std::optional<Failure>)> done) {
  queue_->add([this, done = std::move(done)] {
    begin_rewrite(std::nullopt, [done](std::uint64_t, std::optional<Failure> failure) {
      done(std::move(failure));
    });
  });
}

std::uint64_t LetterWriter::begin_purge(const LetterFilter& filter) {
  const std::lock_guard lock(purge_mutex_);
  if (purge_.number > 0 && !purge_.is_done)
    throw Failure("dead letters are being purged already; try again when that is over");
  if (is_replaying_)
    throw Failure("dead letters are being replayed, so none are purged",
                  "wait until that is over, or end it: standpipe dead replay --cancel");
  purge_ = {.number = purge_.number + 1};
  queue_->add([this, filter] {
    begin_rewrite(filter, [this](std::uint64_t letters, std::optional<Failure> failure) {
      end_purge(letters, std::move(failure));
    });
  });
  return purge_.number;
}

void LetterWriter::begin_rewrite(const std::optional<LetterFilter>& filter, const Done& done) {
  std::shared_ptr<LetterRewrite> rewrite;
  try {
    const std::lock_guard lock(mutex_);
    rewrite = std::make_shared<LetterRewrite>(letters_.begin_rewrite(filter ? &*filter : nullptr));
  } catch (const Failure& problem) {
    return done(0, problem);
  } catch (const std::exception& problem) {
    return done(0, Failure(problem.what()));
  }
  rewrite_next(rewrite, done);
}

// A file, and then whatever else waits. A hub that ends does not wait for the others.
void LetterWriter::rewrite_next(const std::shared_ptr<LetterRewrite>& rewrite, const Done& done) {
  std::uint64_t letters = 0;
  std::optional<Failure> failure;
  try {
    if (!rewrite->is_over() && queue_->is_ending())
      return done(rewrite->gone(), Failure("the hub has ended meanwhile"));
    if (!rewrite->is_over()) {
      rewrite->prepare();
      const std::lock_guard lock(mutex_);
      rewrite->replace();
    }
    if (!rewrite->is_over())
      return queue_->add([this, rewrite, done] { rewrite_next(rewrite, done); });
    const std::lock_guard lock(mutex_);
    letters = letters_.end_rewrite(*rewrite);
  } catch (const Failure& problem) {
    failure = problem;
  } catch (const std::exception& problem) {
    failure = Failure(problem.what());
  }
  done(letters, std::move(failure));
}

void LetterWriter::end_purge(std::uint64_t letters, std::optional<Failure> failure) {
  const std::lock_guard lock(purge_mutex_);
  purge_.letters = letters;
  purge_.failure = std::move(failure);
  purge_.is_done = true;
}

LetterWriter::Purge LetterWriter::last_purge() const {
  const std::lock_guard lock(purge_mutex_);
  return purge_;
}

void LetterWriter::begin_replay() {
  const std::lock_guard lock(purge_mutex_);
  if (purge_.number > 0 && !purge_.is_done)
    throw Failure(
        "dead letters are being purged, so none are replayed; try again when that is over");
  is_replaying_ = true;
}

void LetterWriter::end_replay() {
  const std::lock_guard lock(purge_mutex_);
  is_replaying_ = false;
}

bool LetterWriter::is_replaying() const {
  const std::lock_guard lock(purge_mutex_);
  return is_replaying_;
}

void LetterWriter::post(std::function<void(DeadLetters&)> work) {
  queue_->add([this, work = std::move(work)] {
    const std::lock_guard lock(mutex_);
    work(letters_);
  });
}

std::optional<Failure> LetterWriter::leave_out(std::span<const std::uint64_t> identities) {
  const std::lock_guard lock(mutex_);
  return letters_.leave_out(identities);
}

void LetterWriter::count_removed() {
  if (const auto more = letters_.take_removed())
    std::atomic_ref(removed_).fetch_add(more, std::memory_order_relaxed);
}

std::uint64_t LetterWriter::removed() const {
  return std::atomic_ref(removed_).load(std::memory_order_relaxed);
}

}  // namespace standpipe::deliver
