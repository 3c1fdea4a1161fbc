// SPDX-License-Identifier: Apache-2.0
#include "requests.h"

Requests::Next Requests::receive(const std::string& address) {
  const auto [known, is_new] = states_.emplace(address, State::open);
  if (is_new) return Next::take;
  return known->second == State::open ? Next::ignore : Next::reply;
}

void Requests::replied(const std::string& address) {
  const auto known = states_.find(address);
  if (known == states_.end() || known->second == State::replied) return;
  known->second = State::replied;
  replied_.push_back(address);
  if (replied_.size() <= kRepliedMost) return;
  states_.erase(replied_.front());
  replied_.pop_front();
}

void Requests::clear() {
  states_.clear();
  replied_.clear();
}
