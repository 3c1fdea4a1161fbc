// SPDX-License-Identifier: Apache-2.0
// Hub: a log is full, and what fills it waits for held handlers.
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "worker/event_key.h"
#include "worker/hub.h"

namespace standpipe::worker {

void Hub::serve_spills(std::size_t i, std::vector<std::string> handlers, bool goes_on) {
  const auto& name = inlets_[i]->name();
  auto& overflow = *overflows_.emplace_back(
      std::make_unique<Overflow>(*memory_, data_.path(), name, options_.sources[i].overflow_max, clock_, reporter_));
  auto feed = std::make_unique<SpillFeed>(*memory_, data_.path(), name, std::move(handlers), goes_on, reporter_, overflow.number());
  feed->before_removal([&overflow] { return overflow.sync(); });
  inlets_[i]->serve(std::move(feed));
}

// For a source that is full: of its own log, and, if it is memory that is short, of all logs.
void Hub::make_room(std::size_t i) {
  if (!full_inlets_[i]) return;
  overflow(i);
  if (!inlets_[i]->waits_for_arena()) return;
  if (std::none_of(handlers_.begin(), handlers_.end(), [](const auto& h) { return h->held(); })) return;
  for (std::size_t other = 0; other < inlets_.size(); ++other)
    if (other != i) overflow(other);
}

// It may have been held since its sources were full.
void Hub::make_room_beside(const deliver::HandlerLoop& held) {
  for (const auto& delivery : held.deliveries()) make_room(inlet_of_.at(&delivery->log()));
}

// A batch of what held handlers hold back goes to the disk, as far as others have passed it.
void Hub::overflow(std::size_t i) {
  if (closing_ || overflows_.empty()) return;
  log::Cursor until;
  const auto held = held_of(i, until);
  if (held.empty()) return;
  if (overflows_[i]->take(held, until)) {
    dirty_inlets_.add(i);
    note_change();
  }
  timers_.set(key(kOverflow, i), overflows_[i]->retry_at());
}

// Those that are behind all others. None, where all handlers of the source are held: then its writers wait, as for any reader of
// a FIFO that stands still.
std::vector<Overflow::Held> Hub::held_of(std::size_t i, log::Cursor& until) {
  std::vector<Overflow::Held> held;
  const auto& handlers = handlers_of_[i];
  const auto is_held = [&](std::size_t h) { return handlers_[h]->held() && !handlers_[h]->in_call(); };
  const auto count = std::count_if(handlers.begin(), handlers.end(), is_held);
  if (count == 0 || static_cast<std::size_t>(count) == handlers.size()) return held;
  until = inlets_[i]->log().end();
  for (std::size_t bit = 0; bit < handlers.size(); ++bit) {
    auto& delivery = *inlets_[i]->deliveries()[bit];
    delivery.skip_unwanted();
    const auto& handler = *handlers_[handlers[bit]];
    if (is_held(handlers[bit]) && delivery.has_all())
      held.push_back({&delivery, handler.name(), handler.held_for()});
    else
      until = std::min(until, delivery.settled());
  }
  memory_->commit();
  std::erase_if(held, [&](const auto& h) { return !(h.delivery->settled() < until); });
  return held;
}

// Before the spill of the same source: what that has is younger.
void Hub::end_overflow(const Inlet& inlet) {
  auto& overflow = *overflows_[inlet_of_.at(&inlet.log())];
  overflow.finish();
  const auto state = overflow.state();
  for (const auto* delivery : inlet.deliveries())
    if (const auto saved = delivery->saved(); saved && state)
      reporter_.info(inlet.name() + " -> " + handler_of(*delivery).name() + ": " +
                     counted(saved, "message waits", "messages wait") + " in " + state->path + " for the next start");
}

std::vector<Hub::OverflowState> Hub::overflows() const {
  std::vector<OverflowState> states;
  for (std::size_t i = 0; i < overflows_.size(); ++i)
    if (auto state = overflows_[i]->state()) states.push_back({inlets_[i]->name(), std::move(*state)});
  return states;
}

}  // namespace standpipe::worker
