// SPDX-License-Identifier: Apache-2.0
#include "deliver/handler_state.h"

#include <algorithm>

#include "base/text.h"
#include "deliver/handler_loop.h"

// What a handler's loop reports of itself.
namespace standpipe::deliver {

HandlerState HandlerLoop::state(Nanoseconds now) const {
  auto state = lifecycle_.state(now);
  const auto trouble = settlement_.dead_letters().trouble(now);
  if (trouble && lifecycle_.running()) {
    state.name = "retrying";
    state.reason = trouble->why;
  }
  const auto& taken = late_.messages();
  state.taken = taken.messages();
  if (!taken.empty()) state.oldest_taken = std::max(now - Nanoseconds(taken[0].since_ns), {});
  if (!current_.is_with_plugin()) return state;
  state.phase = phase_name(call_.phase());
  state.in_call = std::max(now - current_.began(), Nanoseconds(0));
  return state;
}

void HandlerLoop::remind_of_call(Nanoseconds now) {
  const auto since = current_.remind(now);
  if (!since) return;
  const auto time = duration_text(*since);
  if (current_.waits_for_letters())
    return needs_.reporter.warning("slow-disk",
                                   name() +
                                       ": what it rejected is not written as dead letters since " +
                                       time + ", and it waits for that",
                                   "see to the disk that data_dir is on");
  auto what = name() + ": its plugin has been in one call of " + std::string(state(now).phase) +
              " for " + time;
  if (current_.kind() == CallKind::handle) {
    const auto& batch = next_.batch();
    what += ", with " + counted(batch.count(), "message") + " of " + batch.delivery().source() +
            " from number " + thousands(batch.sequence(0)) + " on";
  }
  needs_.reporter.warning("slow-call", what,
                          options_.timeout > Nanoseconds(0)
                              ? ""
                              : "its other messages wait; a `timeout` would end such a call");
}

}  // namespace standpipe::deliver
