// SPDX-License-Identifier: Apache-2.0
#include "deliver/handler_state.h"

#include <algorithm>
#include <chrono>

#include "base/text.h"
#include "deliver/handler_loop.h"

// What a handler's loop reports of itself.
namespace standpipe::deliver {
namespace {

constexpr Nanoseconds kCallIsLong = std::chrono::seconds(10);

}  // namespace

HandlerState HandlerLoop::state(Nanoseconds now) const {
  auto state = lifecycle_.state(now);
  const auto& taken = late_.messages();
  state.taken = taken.messages();
  if (!taken.empty()) state.oldest_taken = std::max(now - Nanoseconds(taken[0].since_ns), {});
  if (!busy_ || waits_for_letters_) return state;
  state.phase = phase_name(call_.phase());
  state.in_call = std::max(now - called_, Nanoseconds(0));
  return state;
}

void HandlerLoop::remind_of_call(Nanoseconds now) {
  if (!busy_ || now - called_ < kCallIsLong || !call_reminder_.is_due(now)) return;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - called_);
  if (waits_for_letters_)
    return needs_.reporter.warning("slow-disk",
                                   name() +
                                       ": what it rejected is not written as dead letters since " +
                                       duration_text(seconds) + ", and it waits for that",
                                   "see to the disk that data_dir is on");
  auto what = name() + ": its plugin has been in one call of " + std::string(state(now).phase) +
              " for " + duration_text(seconds);
  if (request_.kind == CallKind::handle)
    what += ", with " + counted(batch_.count(), "message") + " of " + batch_.delivery().source() +
            " from number " + thousands(batch_.sequence(0)) + " on";
  needs_.reporter.warning("slow-call", what,
                          options_.timeout > Nanoseconds(0)
                              ? ""
                              : "its other messages wait; a `timeout` would end such a call");
}

}  // namespace standpipe::deliver
