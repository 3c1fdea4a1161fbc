// SPDX-License-Identifier: Apache-2.0
#include "keeper/watchdog.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/text.h"

namespace standpipe::keeper {

Watchdog Watchdog::from_environment() {
  const auto number = [](const char* name) {
    const char* text = std::getenv(name);
    return text ? parse_integer(text) : std::nullopt;
  };
  const auto within = number("WATCHDOG_USEC");
  const auto whose = number("WATCHDOG_PID");
  constexpr std::int64_t day = 86'400'000'000;
  if (!within || *within <= 0 || *within > day || (whose && *whose != ::getpid()))
    return Watchdog();
  return Watchdog(std::chrono::microseconds(*within));
}

std::optional<Nanoseconds> Watchdog::next() const {
  if (every_ == Nanoseconds(0)) return std::nullopt;
  return asked_ ? polled_at_ + poll_interval() : next_;
}

bool Watchdog::poll(Nanoseconds now) {
  if (every_ == Nanoseconds(0)) return false;
  if (asked_) silence_ += std::min(now - polled_at_, poll_interval());
  polled_at_ = now;
  if (asked_ || now < next_) return false;
  next_ = now + every_;
  silence_ = Nanoseconds(0);
  return asked_ = true;
}

}  // namespace standpipe::keeper
