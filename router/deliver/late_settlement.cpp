// SPDX-License-Identifier: Apache-2.0
#include "deliver/late_settlement.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/invariant.h"
#include "base/text.h"

namespace standpipe::deliver {
namespace {

bool is_final(std::uint32_t outcome) {
  return outcome == STANDPIPE_DELIVERED || outcome == STANDPIPE_FILTERED;
}

std::string reason_of(const LateOutcome& late) {
  const bool is_known = late.outcome == STANDPIPE_RETRY || late.outcome == STANDPIPE_REJECT;
  if (!is_known)
    return "its plugin settled it with outcome " + std::to_string(late.outcome) +
           ", which is none of a message that was taken";
  return late.why.empty() ? "it gave no reason" : late.why;
}

}  // namespace

LateSettlement::LateSettlement(const HandlerOptions& options, const HandlerNeeds& needs,
                               PluginHost& host, Blame& blame,
                               std::span<const std::unique_ptr<Delivery>> deliveries,
                               std::function<void()> told)
    : options_(options),
      needs_(needs),
      host_(host),
      blame_(blame),
      deliveries_(deliveries),
      told_(std::move(told)),
      taken_(needs.memory, options.name),
      settlement_(options, needs, host, blame) {}

Delivery& LateSettlement::delivery_of(const TakenBatch& batch) const {
  const auto at =
      std::ranges::find(deliveries_, batch.delivery, [](const auto& d) { return d->id(); });
  if (at == deliveries_.end())
    throw state::Memory::Damaged("messages are taken of a delivery that does not exist");
  return **at;
}

LateSettlement::Done LateSettlement::settle(Nanoseconds now, std::uint64_t in_call) {
  Done done;
  if (waits_for_letters_) {
    if (!settlement_.letters_are_written()) return done;
    waits_for_letters_ = false;
    settlement_.letters_written(batch_, now);
    end_run(now, done);
  }
  auto& said = host_.late_outcomes();
  if (said.has_some() && said.take_refused() > 0 && refused_reminder_.is_due(now))
    needs_.reporter.warning("plugin", options_.name +
                                          ": its plugin settles messages that it has not "
                                          "taken, more than there is room for");
  done.wants_tick = said.has_some() && said.take_wants_tick();
  if (outcomes_.empty()) {
    if (said.has_some()) outcomes_ = said.take(in_call);
    find_overdue(now);
  }
  int runs = 0;
  for (; runs < kRunsATurn; ++runs) {
    if (outcomes_.empty() && said.has_some()) outcomes_ = said.take(in_call);
    if (outcomes_.empty() || !settle_next(now, done)) break;
  }
  // Nobody is woken again for what was said before it was taken.
  done.has_more = runs == kRunsATurn && (!outcomes_.empty() || said.has_some());
  return done;
}

// The next run of messages of the first outcome. false: letters are being written.
bool LateSettlement::settle_next(Nanoseconds now, Done& done) {
  auto& late = outcomes_.front();
  const auto i = taken_.find(late.ticket);
  const auto run =
      i ? taken_.run_in(*i, late.first, std::uint64_t{late.first} + late.count) : std::nullopt;
  if (!run) {
    outcomes_.pop_front();
    return true;
  }
  auto& delivery = delivery_of(taken_[*i]);
  const auto range = taken_.range_of(*i, delivery, run->first, run->second);
  run_ = {late.ticket, run->first, run->second};
  if (!is_final(late.outcome)) {
    batch_.refill(delivery, {range, taken_[*i].attempt});
    if (begin_letters(late, now)) return false;
    end_run(now, done);
    return true;
  }
  auto& tally = delivery.edit_tally();
  (late.outcome == STANDPIPE_DELIVERED ? tally.delivered : tally.filtered) += range.count;
  delivery.finish(range);
  taken_.settled(*i, delivery, run->first, run->second);
  blame_.end_row();
  needs_.memory.count_progress();
  needs_.memory.commit();
  needs_.observer.settled(delivery);
  done.settled_some = true;
  return true;
}

// true: `settle` goes on when they are written.
bool LateSettlement::begin_letters(const LateOutcome& late, Nanoseconds now) {
  const bool rejects = late.outcome == STANDPIPE_REJECT;
  std::fill_n(flight_.outcomes, batch_.count(),
              static_cast<std::uint8_t>(rejects ? STANDPIPE_REJECT : STANDPIPE_RETRY));
  flight_.result.at = batch_.count();
  answer_ = {STANDPIPE_OK, reason_of(late)};
  waits_for_letters_ = settlement_.begin_letters(outcomes(now), told_);
  return waits_for_letters_;
}

// The messages have not been settled otherwise meanwhile: all that settles them waits for letters.
void LateSettlement::end_run(Nanoseconds now, Done& done) {
  const auto i = taken_.find(run_.ticket);
  INVARIANT(i, run_.ticket);
  auto& delivery = batch_.delivery();
  if (auto retry = settlement_.settle(outcomes(now)))
    done.retry = std::move(retry);
  else
    done.settled_some = true;
  taken_.settled(*i, delivery, run_.first, run_.last);
  needs_.memory.commit();
  needs_.observer.settled(delivery);
}

void LateSettlement::find_overdue(Nanoseconds now) {
  if (options_.timeout == Nanoseconds(0)) return;
  const auto why =
      "its plugin took it and did not settle it within " + duration_text(options_.timeout);
  for (std::size_t i = 0; i < taken_.size(); ++i) {
    if (Nanoseconds(taken_[i].since_ns) + options_.timeout > now) return;
    outcomes_.push_back({taken_[i].ticket, 0, taken_[i].end, STANDPIPE_RETRY, why});
  }
}

std::optional<Nanoseconds> LateSettlement::wake_at() const {
  if (taken_.empty() || options_.timeout == Nanoseconds(0) || waits_for_letters_)
    return std::nullopt;
  return Nanoseconds(taken_[0].since_ns) + options_.timeout;
}

void LateSettlement::recover() {
  for (std::size_t i = 0; i < taken_.size(); ++i) {
    auto& delivery = delivery_of(taken_[i]);
    if (!(delivery.log().trimmed() <= taken_[i].range.begin &&
          taken_[i].range.end <= delivery.next()))
      throw state::Memory::Damaged("messages are taken that lie outside their log");
    for (auto run = taken_.run_in(i, 0, kBatchMessages); run;
         run = taken_.run_in(i, run->second, kBatchMessages))
      delivery.recover(taken_.range_of(i, delivery, run->first, run->second));
  }
}

bool LateSettlement::end(Nanoseconds now) {
  is_ending_ = waits_for_letters_;
  if (is_ending_ || taken_.empty()) return false;
  return_all(now);
  return true;
}

void LateSettlement::return_all(Nanoseconds now) {
  INVARIANT(!waits_for_letters_);
  outcomes_.clear();
  if (taken_.empty()) return;
  for (const auto& delivery : deliveries_) {
    std::vector<Redelivery> back;
    for (std::size_t i = 0; i < taken_.size(); ++i) {
      if (taken_[i].delivery != delivery->id()) continue;
      for (auto run = taken_.run_in(i, 0, kBatchMessages); run;
           run = taken_.run_in(i, run->second, kBatchMessages))
        back.push_back({taken_.range_of(i, *delivery, run->first, run->second), taken_[i].attempt});
    }
    std::ranges::sort(back, {}, [](const auto& r) { return r.range.begin; });
    delivery->redeliver_all(back, now);
  }
  taken_.clear();
}

}  // namespace standpipe::deliver
