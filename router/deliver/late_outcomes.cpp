// SPDX-License-Identifier: Apache-2.0
#include "deliver/late_outcomes.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "plugin/handler.h"

namespace standpipe::deliver {

bool LateOutcomes::push(std::uint64_t ticket, std::uint32_t first, std::uint32_t count,
                        std::uint32_t outcome, std::string_view why) {
  why = why.substr(0, kReasonBytesMax);
  const std::lock_guard lock(mutex_);
  if (ticket == plugin::kNoTicket) {
    wants_tick_ = has_some_ = true;
    return !std::exchange(is_woken_, true);
  }
  auto* last = outcomes_.empty() ? nullptr : &outcomes_.back();
  if (last && last->ticket == ticket && last->outcome == outcome && last->why == why &&
      std::uint64_t{last->first} + last->count == first && last->count <= ~count)
    last->count += count;
  else if (outcomes_.size() < kMax)
    outcomes_.push_back({ticket, first, count, outcome, std::string(why)});
  else
    ++refused_;
  has_some_ = true;
  return !std::exchange(is_woken_, true);
}

bool LateOutcomes::take_wants_tick() {
  const std::lock_guard lock(mutex_);
  return std::exchange(wants_tick_, false);
}

std::deque<LateOutcome> LateOutcomes::take(std::uint64_t except) {
  std::deque<LateOutcome> taken;
  const std::lock_guard lock(mutex_);
  is_woken_ = false;
  has_some_ = refused_ > 0 || wants_tick_;
  taken.swap(outcomes_);
  if (except == 0) return taken;
  const auto is_ready = [except](const LateOutcome& o) { return o.ticket != except; };
  const auto rest = std::stable_partition(taken.begin(), taken.end(), is_ready);
  outcomes_.assign(std::make_move_iterator(rest), std::make_move_iterator(taken.end()));
  taken.erase(rest, taken.end());
  if (!outcomes_.empty()) has_some_ = true;
  return taken;
}

std::uint64_t LateOutcomes::take_refused() {
  const std::lock_guard lock(mutex_);
  return std::exchange(refused_, 0);
}

}  // namespace standpipe::deliver
