// SPDX-License-Identifier: Apache-2.0
#include "cli/work_pool.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace standpipe::cli {
namespace {

constexpr Nanoseconds kPauseMost = std::chrono::seconds(30);
constexpr Nanoseconds kLookAgain = std::chrono::milliseconds(50);  // of what has no descriptor

std::string ending(int status) {
  if (!WIFSIGNALED(status)) return "exit status " + std::to_string(WEXITSTATUS(status));
  const char* name = ::sigabbrev_np(WTERMSIG(status));
  return std::string("SIG") + (name ? name : std::to_string(WTERMSIG(status)));
}

}  // namespace

WorkPool::WorkPool(WorkCommand command, Options options, Reporter& reporter, Failed failed)
    : command_(std::move(command)),
      options_(options),
      reporter_(reporter),
      failed_(std::move(failed)) {}

void WorkPool::take(std::string message) {
  auto& job = jobs_.emplace_back();
  job.message = std::move(message);
  start(job);
  forget();
}

void WorkPool::turn() {
  for (auto& job : jobs_) {
    if (job.runs()) look_after(job);
    if (!job.runs() && !job.is_over && steady_now() >= job.not_before) start(job);
  }
  forget();
}

void WorkPool::start(Job& job) {
  ++job.attempt;
  job.command = command_.start(job.message);
  if (!job.runs()) fail(job, job.command.why);
}

void WorkPool::look_after(Job& job) {
  int status = 0;
  if (::waitpid(job.command.pid, &status, WNOHANG) != job.command.pid) return;
  job.command = {};
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    job.is_over = true;
    ++done_;
  } else {
    fail(job, ending(status));
  }
}

void WorkPool::fail(Job& job, const std::string& why) {
  const bool is_last = job.attempt >= options_.attempts || is_finishing_;
  reporter_.warning("work-failed", command_.words()[0] + " failed on a message of " +
                                       counted(job.message.size(), "byte") + " (" + why +
                                       "), attempt " + std::to_string(job.attempt) + " of " +
                                       std::to_string(options_.attempts));
  if (is_last) return fail_for_good(job);
  auto pause = options_.pause;
  for (unsigned i = 1; i < job.attempt && pause < kPauseMost; ++i) pause *= 2;
  job.not_before = steady_now() + std::min(pause, kPauseMost);
}

void WorkPool::fail_for_good(Job& job) {
  job.is_over = true;
  ++failed_count_;
  failed_(job.message);
}

void WorkPool::finish() {
  is_finishing_ = true;
  for (auto& job : jobs_)
    if (!job.runs() && !job.is_over) fail_for_good(job);
  forget();
}

void WorkPool::abort() {
  finish();
  for (auto& job : jobs_) {
    (void)::kill(-job.command.pid, SIGTERM);
    fail_for_good(job);
  }
  forget();
}

void WorkPool::forget() {
  std::erase_if(jobs_, [](const Job& job) { return job.is_over; });
}

void WorkPool::add_to(std::vector<pollfd>& waiting) const {
  for (const auto& job : jobs_)
    if (job.runs() && job.command.ended) waiting.push_back({job.command.ended.get(), POLLIN, 0});
}

Deadline WorkPool::next_start() const {
  Deadline next;
  for (const auto& job : jobs_) {
    if (job.runs() && job.command.ended) continue;
    const auto due = job.runs() ? steady_now() + kLookAgain : job.not_before;
    if (!next || due < *next) next = due;
  }
  return next;
}

}  // namespace standpipe::cli
