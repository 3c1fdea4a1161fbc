// SPDX-License-Identifier: Apache-2.0
#include "recent.h"

#include <random>

Recent::Recent(Limits limits) : limits_(limits) {
  std::random_device random;
  for (auto& key : keys_)
    for (auto& half : key) half = std::uint64_t{random()} << 32 | random();
}

bool Recent::is_duplicate(std::string_view text, const Message& message) {
  forget(message.time);
  const auto [known, is_new] = messages_.try_emplace(
      Id{common::hash(keys_[0], text), common::hash(keys_[1], text)}, message);
  if (!is_new) return known->second != message;
  order_.push_back(known->first);
  if (order_.size() > limits_.count) {
    messages_.erase(order_.front());
    order_.pop_front();
  }
  return false;
}

// Times are those of the messages, which grow, but for a clock that was set back: then what is
// remembered stays a little longer.
void Recent::forget(nanoseconds now) {
  while (!order_.empty()) {
    const auto oldest = messages_.find(order_.front());
    if (now - oldest->second.time < limits_.window) return;
    messages_.erase(oldest);
    order_.pop_front();
  }
}
