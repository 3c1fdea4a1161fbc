// SPDX-License-Identifier: Apache-2.0
#include "deliver/dead_lettering.h"

#include <chrono>
#include <utility>

#include "base/failure.h"
#include "base/text.h"

namespace standpipe::deliver {
namespace {

constexpr Nanoseconds kPause =
    std::chrono::seconds(5);  // until a letter that could not be kept is tried again
constexpr Nanoseconds kTroubleLasts = 3 * kPause;

}  // namespace

DeadLettering::DeadLettering(const HandlerOptions& options, const HandlerNeeds& needs)
    : options_(options), needs_(needs) {}

DeadLetter DeadLettering::letter(const Batch& batch, std::uint32_t i, Reason reason,
                                 std::string_view detail, std::uint32_t attempts) const {
  const bool has_route = needs_.routes && reason != Reason::no_route;
  return {.source = batch.delivery().source(),
          .handler = options_.name,
          .plugin = options_.plugin->name,
          .sequence = batch.sequence(i),
          .accepted_ns = batch.time_ns(i),
          .dead_lettered_ns = static_cast<std::uint64_t>(needs_.clock.wall().count()),
          .reason = reason,
          .detail = detail,
          .route = has_route ? needs_.routes->route_of(batch.delivery(), batch.payload(i),
                                                       batch.fields(i))
                             : std::string_view(),
          .attempts = attempts,
          .payload = batch.payload(i),
          .fields = batch.fields(i)};
}

DeadLettering::~DeadLettering() {
  if (job_) job_->wait();
}

bool DeadLettering::write(const Batch& batch, std::span<const Failed> runs, Nanoseconds now) {
  if (has_none_to_write(batch, runs)) return true;
  fill(batch, runs);
  job_->finish(needs_.dead_letters.write(job_->letters));
  written(batch, now);
  return !failed_;
}

bool DeadLettering::post(const Batch& batch, std::span<const Failed> runs, Nanoseconds now,
                         std::function<void()> told) {
  if (has_none_to_write(batch, runs)) return false;
  fill(batch, runs);
  job_->told = std::move(told);
  if (needs_.dead_letters.post(job_)) return true;
  written(batch, now);
  return false;
}

// What waited for the disk may come to another outcome at last.
bool DeadLettering::has_none_to_write(const Batch& batch, std::span<const Failed> runs) {
  failed_ = false;
  if (!runs.empty() && keeps(batch.delivery())) return false;
  if (troubled_ == &batch.delivery()) trouble_.reset();
  return true;
}

void DeadLettering::fill(const Batch& batch, std::span<const Failed> runs) {
  job_ = std::make_shared<LetterJob>();
  job_->details.reserve(runs.size());  // letters view them
  for (const auto& run : runs) {
    const auto& detail = job_->details.emplace_back(run.detail);
    for (auto i = run.first; i < run.last; ++i)
      job_->letters.push_back(letter(batch, i, run.reason, detail, batch.attempt()));
  }
}

void DeadLettering::written(const Batch& batch, Nanoseconds now) {
  const auto& failure = job_->failure;
  const auto letters = job_->letters.size();
  failed_ = failure.has_value();
  if (failed_) {
    troubled_ = &batch.delivery();
    trouble_until_ = now + kTroubleLasts;
    if (!trouble_) trouble_ = Trouble{{}, now};
    trouble_->why = failure->what();
  } else {
    trouble_.reset();
  }
  if (failed_ && reminder_.is_due(now))
    needs_.reporter.warning("dead-letter",
                            options_.name + ": " + failure->what() + "; " +
                                counted(letters, "message") + " of " + batch.delivery().source() +
                                (letters == 1 ? " waits" : " wait") + " until it can be kept",
                            failure->help());
}

std::optional<DeadLettering::Trouble> DeadLettering::trouble(Nanoseconds now) const {
  return now < trouble_until_ ? trouble_ : std::nullopt;
}

bool DeadLettering::settle_failed(Batch& batch, const Failed& run, Nanoseconds now) {
  auto& delivery = batch.delivery();
  const auto range = batch.range(run.first, run.last);
  if (failed_) {
    delivery.redeliver({range, batch.attempt(), batch.deaths(), batch.suspect()}, now + kPause);
    return false;
  }
  if (keeps(delivery))
    delivery.edit_tally().dead_letter(run.reason, range.count);
  else
    delivery.edit_tally().drop(run.reason, range.count);
  delivery.finish(range);
  say(batch, run, now);
  return true;
}

void DeadLettering::say(const Batch& batch, const Failed& run, Nanoseconds now) {
  std::uint64_t left_out = 0;
  if (!reports_.allow(now, left_out)) return;
  const auto payload = batch.payload(run.last - 1);
  Diagnostic d{.severity = Severity::warning,
               .code = std::string(reason_name(run.reason)),
               .message = options_.name + ": " + counted(run.last - run.first, "message") + " of " +
                          batch.delivery().source() +
                          (keeps(batch.delivery()) ? " dead-lettered (" : " dropped (") +
                          std::string(reason_name(run.reason)) + "): " + run.detail};
  d.notes.push_back("message " + thousands(batch.sequence(run.last - 1)) + ", " +
                    counted(payload.size(), "byte") + ": " + hex_excerpt(payload));
  if (left_out)
    d.notes.push_back(counted(left_out, "message") +
                      " like this left out here; the account has all");
  needs_.reporter.say(d);
}

std::optional<Failure> DeadLettering::write_killer(const Batch& batch, Reason reason,
                                                   std::string_view text, std::uint16_t deaths) {
  const auto one = letter(batch, 0, reason, text, deaths);
  return needs_.dead_letters.write({&one, 1});
}

void DeadLettering::settle_killer(Batch& batch, Reason reason, const std::string& text,
                                  std::uint16_t deaths) {
  auto& delivery = batch.delivery();
  delivery.edit_tally().dead_letter(reason, 1);
  delivery.finish(batch.range(0, 1));
  const auto payload = batch.payload(0);
  Diagnostic d{.severity = Severity::warning,
               .code = std::string(reason_name(reason)),
               .message = options_.name + ": message " + thousands(batch.sequence(0)) + " of " +
                          delivery.source() + " is dead-lettered: its plugin " + text + " on it " +
                          std::to_string(deaths) + " times"};
  d.notes.push_back(counted(payload.size(), "byte") + ": " + hex_excerpt(payload));
  d.help.emplace_back("it is kept in dead-letters.log under data_dir");
  needs_.reporter.say(d);
}

}  // namespace standpipe::deliver
