// SPDX-License-Identifier: Apache-2.0
#include "deliver/settlement.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/text.h"

namespace standpipe::deliver {
namespace {

constexpr std::uint32_t kIdleCallsMost = 3;  // before people are told

}  // namespace

Settlement::Settlement(const HandlerOptions& options, const HandlerNeeds& needs, PluginHost& host,
                       Blame& blame, TakenMessages* taken)
    : options_(options),
      needs_(needs),
      host_(host),
      blame_(blame),
      taken_(taken),
      dead_letters_(options, needs) {}

std::optional<Settlement::Retry> Settlement::settle(const Outcomes& outcomes, bool waits_for_room) {
  settle_told(outcomes);
  if (outcomes.at() > 0) idle_calls_ = 0;
  if (outcomes.at() < outcomes.batch.count())
    redeliver_rest(outcomes, outcomes.at(), waits_for_room);
  return std::exchange(retry_, std::nullopt);
}

void Settlement::settle_before_death(const Outcomes& outcomes) {
  settle_told(outcomes);
  retry_.reset();
}

bool Settlement::begin_letters(const Outcomes& outcomes, std::function<void()> told) {
  has_letters_ = true;
  return dead_letters_.post(outcomes.batch, failed_runs(outcomes), outcomes.now, std::move(told));
}

void Settlement::letters_written(const Batch& batch, Nanoseconds now) {
  dead_letters_.written(batch, now);
}

void Settlement::settle_told(const Outcomes& outcomes) {
  if (!std::exchange(has_letters_, false))
    (void)dead_letters_.write(outcomes.batch, failed_runs(outcomes),
                              outcomes.now);  // it knows which could not be kept
  bool settled_some = false;
  finals_.assign(outcomes.at(), true);
  for (std::uint32_t first = 0; first < outcomes.at();) {
    const auto last = end_of_run(outcomes, first);
    settle_run(outcomes, first, last);
    settled_some |= outcomes.of(first) != STANDPIPE_TAKEN;
    first = last;
  }
  if (!settled_some) return;
  blame_.end_row();
  needs_.memory.count_progress();
}

void Settlement::settle_run(const Outcomes& outcomes, std::uint32_t first, std::uint32_t last) {
  auto& delivery = outcomes.batch.delivery();
  const auto range = outcomes.batch.range(first, last);
  switch (outcomes.of(first)) {
    case STANDPIPE_DELIVERED:
      delivery.edit_tally().delivered += range.count;
      delivery.finish(range);
      return;
    case STANDPIPE_FILTERED:
      delivery.edit_tally().filtered += range.count;
      delivery.finish(range);
      return;
    case STANDPIPE_REJECT:
      return fail_for_good(outcomes, *failed(outcomes, first, last));
    case STANDPIPE_SEND:
      if (!host_.has_output(outcomes.sent_to()))
        return retry(outcomes, first, last);  // the plugin errs
      return send(outcomes.sent_to(), delivery, range, outcomes.batch.wire_bytes(first, last));
    case STANDPIPE_TAKEN:
      if (!taken_) return retry(outcomes, first, last);
      return taken_->add(outcomes.batch, first, last, outcomes.at(), outcomes.now);
    default:
      return retry(outcomes, first, last);
  }
}

void Settlement::send(std::uint32_t to, Delivery& delivery, const Range& range,
                      std::uint64_t bytes) {
  auto& output = host_.output(to);
  output.send(delivery, range, bytes);
  needs_.outputs.has_entries(output);
}

void Settlement::fail_for_good(const Outcomes& outcomes, const Failed& run) {
  if (!dead_letters_.settle_failed(outcomes.batch, run, outcomes.now))
    std::fill(finals_.begin() + run.first, finals_.begin() + run.last, false);
}

void Settlement::retry(const Outcomes& outcomes, std::uint32_t first, std::uint32_t last) {
  auto& batch = outcomes.batch;
  if (const auto run = failed(outcomes, first, last)) return fail_for_good(outcomes, *run);
  std::fill(finals_.begin() + first, finals_.begin() + last, false);
  const auto pause = options_.pause(batch.attempt(), outcomes.now);
  batch.delivery().redeliver({batch.range(first, last), batch.attempt() + 1}, outcomes.now + pause);
  retry_ = {outcomes.reason_for(last), outcomes.now + pause};
  if (retry_reminder_.is_due(outcomes.now)) report_retry(outcomes, last - first, pause);
}

void Settlement::report_retry(const Outcomes& outcomes, std::uint32_t count, Nanoseconds pause) {
  const auto& batch = outcomes.batch;
  const auto most = options_.attempts_max ? " of " + std::to_string(options_.attempts_max) : "";
  needs_.reporter.warning(
      "retry", options_.name + ": " + counted(count, "message") + " of " +
                   batch.delivery().source() + " failed (attempt " +
                   std::to_string(batch.attempt()) + most + "), and " +
                   (count == 1 ? "is" : "are") + " tried again in " +
                   duration_text(std::chrono::ceil<std::chrono::milliseconds>(pause)) + ": " +
                   retry_->reason);
}

bool Settlement::is_exhausted(const Batch& batch) const {
  return options_.attempts_max != 0 && batch.attempt() >= options_.attempts_max;
}

// Their letters are written before anything is counted: one write for the whole batch.
std::vector<Settlement::Failed> Settlement::failed_runs(const Outcomes& outcomes) {
  std::vector<Failed> runs;
  const bool sends_nowhere = outcomes.sent_to() > host_.outputs().size();
  expired_ = 0;
  if (!outcomes.has_failed_ones() && !sends_nowhere) return runs;
  find_expired(outcomes);
  for (std::uint32_t first = 0; first < outcomes.at();) {
    const auto last = end_of_run(outcomes, first);
    if (auto run = failed(outcomes, first, last)) runs.push_back(std::move(*run));
    first = last;
  }
  return runs;
}

// Of a batch, the oldest come first.
void Settlement::find_expired(const Outcomes& outcomes) {
  if (options_.age_max == Nanoseconds(0)) return;
  const auto wall = needs_.clock.wall();
  while (expired_ < outcomes.at() && options_.is_too_old(outcomes.batch.time_ns(expired_), wall))
    ++expired_;
}

std::uint32_t Settlement::end_of_run(const Outcomes& outcomes, std::uint32_t first) const {
  const auto last = outcomes.end_of_run(first);
  return first < expired_ ? std::min(last, expired_) : last;
}

std::optional<Settlement::Failed> Settlement::failed(const Outcomes& outcomes, std::uint32_t first,
                                                     std::uint32_t last) const {
  const auto outcome = outcomes.of(first);
  // In the place of a plugin that is no more, the hub rejects all (RejectingExecutor).
  if (outcome == STANDPIPE_REJECT && options_.departed)
    return Failed{first, last, Reason::shutdown,
                  "the configuration no longer has " + options_.name};
  if (outcome == STANDPIPE_REJECT)
    return Failed{first, last, options_.rejects_for, outcomes.reason_for(last)};
  const bool sent = outcome == STANDPIPE_SEND && host_.has_output(outcomes.sent_to());
  const bool is_taken = outcome == STANDPIPE_TAKEN && taken_;
  if (outcome == STANDPIPE_DELIVERED || outcome == STANDPIPE_FILTERED || sent || is_taken)
    return std::nullopt;
  if (is_exhausted(outcomes.batch))
    return Failed{first, last, Reason::retries_exhausted, outcomes.reason_for(last)};
  if (first >= expired_) return std::nullopt;
  return Failed{
      first, last, Reason::expired,
      "it is older than " + duration_text(options_.age_max) + ": " + outcomes.reason_for(last)};
}

// It may mean that, once or twice; but a plugin that forgets to store `at` behind the last message
// means that it is through, and is called for ever.
void Settlement::pause_idle(const Outcomes& outcomes, const Range& range) {
  auto& batch = outcomes.batch;
  const auto due = outcomes.now + options_.pause(1, outcomes.now);
  batch.delivery().redeliver({range, batch.attempt()}, due);
  if (++idle_calls_ < kIdleCallsMost) return;
  retry_ = {"its plugin answers OK and settles none of its messages (`at` is 0), " +
                counted(idle_calls_, "time") + " in a row",
            due};
  if (idle_reminder_.is_due(outcomes.now))
    needs_.reporter.warning(
        "no-progress", options_.name + ": " + retry_->reason + ", so they are given to it for ever",
        "an error of the plugin, whose handle must store `at` behind the last message that it has "
        "settled: standpipe plugin check FILE");
}

// Messages from `first` on: no attempt is counted.
void Settlement::redeliver_rest(const Outcomes& outcomes, std::uint32_t first, bool at_once) {
  auto& batch = outcomes.batch;
  auto& delivery = batch.delivery();
  const auto range = batch.range(first, batch.count());
  const bool settled_none = outcomes.said_well() && first == 0 &&
                            !at_once;  // and says all is well: not again at once, for ever
  if (settled_none) return pause_idle(outcomes, range);
  if (batch.attempt() == 1 && batch.suspect() == Suspicion::none && delivery.next() == range.end)
    return delivery.return_tail(range.begin, range.count);
  delivery.redeliver({range, batch.attempt(), batch.deaths(), batch.suspect()}, outcomes.now);
}

}  // namespace standpipe::deliver
