// SPDX-License-Identifier: Apache-2.0
#include "deliver/handler_state.h"

#include <algorithm>
#include <atomic>
#include <chrono>

#include "base/text.h"
#include "deliver/handler_loop.h"

// What a handler's loop tells of itself.
namespace standpipe::deliver {
namespace {

constexpr Nanoseconds kCallIsLong = std::chrono::seconds(10);

constexpr std::string_view kCallPhases[] = {"", "create", "open", "handle", "flush", "close", "reopen"};

}  // namespace

std::string HandlerLoop::held_for() const {
  const auto length = std::min<std::size_t>(held_reason_->length, sizeof held_reason_->text);
  return escaped({held_reason_->text, length});
}

HandlerState HandlerLoop::state(Nanoseconds now) const {
  HandlerState state;
  const auto retries = [now](const auto& d) { return !d->again().empty() && d->again().front().attempt > 1 && d->again_due > now; };
  if (state_ == State::held) {
    state = {.name = "held", .reason = held_for()};
  } else if (state_ == State::closed) {
    state.name = "closed";
  } else if (state_ == State::opening) {
    state = {.name = "opening", .reason = open_reason_};
    if (open_tries_ > 0) state.reason += " (tried " + counted(open_tries_, "time") + ")";
  } else if (std::ranges::any_of(deliveries_, retries)) {
    state = {.name = "retrying", .reason = retry_reason_};
  }
  if (!busy_) return state;
  const auto phase = static_cast<std::size_t>(std::atomic_ref(flight_.phase).load(std::memory_order_relaxed));
  state.phase = kCallPhases[phase < kPhases && phase > 0 ? phase : static_cast<std::size_t>(Phase::handle)];
  state.in_call = std::max(now - called_, Nanoseconds(0));
  return state;
}

void HandlerLoop::remind_of_call(Nanoseconds now) {
  if (!busy_ || now - called_ < kCallIsLong || !call_reminder_.is_due(now)) return;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - called_);
  auto what = name() + ": its plugin has been in one call of " + std::string(state(now).phase) + " for " + duration_text(seconds);
  if (call_ == Call::handle)
    what += ", with " + counted(batch_.count(), "message") + " of " + batch_.delivery().source() + " from number " +
            thousands(batch_.message(0).sequence) + " on";
  around_.reporter().warning("slow-call", what,
                             options_.timeout > Nanoseconds(0) ? "" : "its other messages wait; a `timeout` would end such a call");
}

}  // namespace standpipe::deliver
