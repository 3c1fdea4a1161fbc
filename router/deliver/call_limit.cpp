// SPDX-License-Identifier: Apache-2.0
#include "deliver/call_limit.h"

#include <algorithm>

namespace standpipe::deliver {

void CallLimit::begin(CallKind kind, Nanoseconds now) {
  kind_ = kind;
  began_ = now;
  ++number_;
}

Nanoseconds CallLimit::most() const {
  const bool is_limited =
      kind_ == CallKind::handle || kind_ == CallKind::tick || kind_ == CallKind::poll;
  if (is_limited) return timeout_;
  return is_waited_for_ && kind_ != CallKind::none ? kRunMost : Nanoseconds(0);
}

bool CallLimit::is_overdue(Nanoseconds now) const {
  return most() > Nanoseconds(0) && now - began_ > most();
}

std::optional<Nanoseconds> CallLimit::look_after(bool has_process, Nanoseconds now) {
  const auto limit = most();
  const bool looks =
      has_process && timeout_ > Nanoseconds(0) && now - began_ < kLookMost + timeout_;
  sleeps_ = !looks && limit == Nanoseconds(0);
  if (sleeps_) return std::nullopt;
  return std::clamp((limit > Nanoseconds(0) ? limit : timeout_) / 4, kLookLeast, kLookMost);
}

}  // namespace standpipe::deliver
