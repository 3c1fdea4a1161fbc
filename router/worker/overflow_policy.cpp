// SPDX-License-Identifier: Apache-2.0
#include "worker/overflow_policy.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "worker/event_key.h"

namespace standpipe::worker {

void OverflowPolicy::make_room(std::size_t i) {
  if (!sources_[i].is_full) return;
  save(i);
  if (!sources_[i].inlet->waits_for_arena() || !handlers_.any_held()) return;
  for (std::size_t other = 0; other < sources_.size(); ++other)
    if (other != i) save(other);
}

void OverflowPolicy::make_room_beside(const deliver::HandlerLoop& held) {
  for (const auto& delivery : held.deliveries()) make_room(sources_.number_of(delivery->log()));
}

void OverflowPolicy::save(std::size_t i) {
  auto& source = sources_[i];
  if (shutdown_.is_closing() || !source.overflow) return;
  log::Cursor until;
  const auto held = held_of(source, until);
  if (held.empty()) return;
  if (source.overflow->absorb(held, until)) {
    sources_.dirty().add(i);
    checkpoints_.note_change();
  }
  loop_.set_timer(key(kOverflow, i), source.overflow->retry_at());
}

// The held deliveries that lag behind all others.
std::vector<Overflow::Held> OverflowPolicy::held_of(const SourceSlot& source, log::Cursor& until) {
  std::vector<Overflow::Held> held;
  // What has a queue on disk goes there, and holds nothing back.
  const auto is_held = [&](std::size_t bit) {
    const auto& handler = handlers_[source.handlers[bit]];
    return handler.held() && !handler.in_call() && !source.inlet->deliveries()[bit]->is_queued();
  };
  std::size_t count = 0;
  for (std::size_t bit = 0; bit < source.handlers.size(); ++bit) count += is_held(bit);
  if (count == 0 || count == source.handlers.size()) return held;
  until = source.inlet->log().end();
  for (std::size_t bit = 0; bit < source.handlers.size(); ++bit) {
    auto& delivery = *source.inlet->deliveries()[bit];
    delivery.skip_unwanted();
    const auto& handler = handlers_[source.handlers[bit]];
    if (is_held(bit) && delivery.has_all())
      held.push_back({&delivery, handler.name(), handler.held_for()});
    else
      until = std::min(until, delivery.settled());
  }
  memory_.commit();
  std::erase_if(held, [&](const auto& h) { return !(h.delivery->settled() < until); });
  return held;
}

void OverflowPolicy::finish(SourceSlot& source) {
  if (!source.overflow) return;
  source.overflow->finish();
  const auto state = source.overflow->state();
  for (std::size_t bit = 0; bit < source.handlers.size(); ++bit)
    if (const auto& delivery = *source.inlet->deliveries()[bit];
        delivery.saved() && !delivery.is_queued() && state)
      reporter_.info(source.inlet->name() + " -> " + handlers_[source.handlers[bit]].name() + ": " +
                     counted(delivery.saved(), "message waits", "messages wait") + " in " +
                     state->path + " for the next start");
}

std::vector<OverflowState> OverflowPolicy::states() const {
  std::vector<OverflowState> states;
  for (const auto& source : sources_) {
    if (!source.overflow) continue;
    if (auto state = source.overflow->state())
      states.push_back({source.inlet->name(), std::move(*state)});
  }
  return states;
}

}  // namespace standpipe::worker
