// SPDX-License-Identifier: Apache-2.0
#include "keeper/loop_watch.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string_view>

#include "base/text.h"

namespace standpipe::keeper {
namespace {

template <std::size_t n>
std::string text(const char (&words)[n]) {
  return escaped({words, ::strnlen(words, n)});
}

std::string messages_text(const state::Watch& watch) {
  if (watch.messages == 0) return {};
  return ", with " + counted(watch.messages, "message") + " of " + text(watch.source) +
         " from number " + thousands(watch.first) + " on";
}

}  // namespace

std::string name_of(const state::Watch& watch) { return "handler " + text(watch.name); }

void LoopWatch::restart(std::span<state::Watch> watches) {
  *this = LoopWatch();
  for (auto& watch : watches) left_over_.push_back(state::load_acquire(watch.on_loop));
}

std::optional<std::size_t> LoopWatch::caller(std::span<state::Watch> watches) const {
  for (std::size_t i = 0; i < watches.size(); ++i) {
    const auto call = state::load_acquire(watches[i].on_loop);
    if (call % 2 && !(i < left_over_.size() && left_over_[i] == call)) return i;
  }
  return std::nullopt;
}

std::string LoopWatch::sample(std::span<state::Watch> watches, Nanoseconds now) {
  const auto passed = std::min(now - last_, kInterval);
  last_ = now;
  next_ = now + kInterval;
  const auto who = caller(watches);
  const auto call = who ? state::load_acquire(watches[*who].on_loop) : 0;
  if (!who || *who != handler_ || call != call_) {
    handler_ = who.value_or(0);
    call_ = call;
    waited_ = Nanoseconds(0);
    reminder_ = {};
    return {};
  }
  waited_ += passed;
  if (waited_ < kLong || !reminder_.is_due(now)) return {};
  auto& watch = watches[*who];
  auto reported =
      name_of(watch) + ": its plugin has been in one call of " + text(watch.what) + " for " +
      duration_text(std::chrono::floor<std::chrono::seconds>(waited_)) + messages_text(watch) +
      "; the worker's loop waits for it, and with it every source and every other handler";
  return state::load_acquire(watch.on_loop) == call ? reported
                                                    : std::string();  // back in the last moment
}

}  // namespace standpipe::keeper
