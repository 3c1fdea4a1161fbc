// SPDX-License-Identifier: Apache-2.0
#include "leases.h"

#include <utility>

std::optional<Leases::Number> Leases::add(const std::string& message_id,
                                          std::string receipt_handle) {
  const auto [it, is_new] = by_message_id_.try_emplace(message_id, last_ + 1);
  if (!is_new) {
    held_[it->second].receipt_handle = std::move(receipt_handle);
    return std::nullopt;
  }
  ++last_;
  held_[last_] = {message_id, std::move(receipt_handle)};
  renewals_.push_back({Clock::now() + duration_ / 2, last_});
  return last_;
}

std::optional<Leases::Lease> Leases::find(Number number) const {
  const auto it = held_.find(number);
  if (it == held_.end()) return std::nullopt;
  return Lease{number, it->second.receipt_handle};
}

void Leases::remove(Number number) {
  const auto it = held_.find(number);
  if (it == held_.end()) return;
  by_message_id_.erase(it->second.message_id);
  held_.erase(it);
}

std::vector<Leases::Lease> Leases::due(Clock::time_point now, std::size_t most) {
  std::vector<Lease> due;
  while (!renewals_.empty() && due.size() < most && renewals_.front().at <= now) {
    const auto number = renewals_.front().number;
    renewals_.pop_front();
    auto lease = find(number);
    if (!lease) continue;
    due.push_back(std::move(*lease));
    renewals_.push_back({now + duration_ / 2, number});
  }
  return due;
}

Leases::Clock::time_point Leases::next_due() const {
  return renewals_.empty() ? Clock::time_point::max() : renewals_.front().at;
}
