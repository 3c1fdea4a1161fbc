// SPDX-License-Identifier: Apache-2.0
#include "deliver/taken_messages.h"

#include <algorithm>
#include <bit>

#include "base/invariant.h"

namespace standpipe::deliver {
namespace {

bool is_sane(const TakenBatch& b) {
  std::uint32_t count = 0;
  for (const auto word : b.taken) count += static_cast<std::uint32_t>(std::popcount(word));
  return b.ticket != 0 && b.end <= kBatchMessages && b.first < b.end && b.has(b.first) &&
         b.range.count == b.end - b.first && count == b.left;
}

}  // namespace

TakenMessages::TakenMessages(state::Memory& memory, const std::string& handler)
    : batches_(memory, "taken-by/" + handler) {
  for (std::size_t i = 0; i < batches_.size(); ++i) {
    if (!is_sane(batches_[i]) || (i > 0 && batches_[i].ticket <= batches_[i - 1].ticket))
      throw state::Memory::Damaged("what a plugin has taken is not as it can be");
    messages_ += batches_[i].left;
  }
}

std::optional<std::size_t> TakenMessages::find(std::uint64_t ticket) const {
  std::size_t begin = 0, end = batches_.size();
  while (begin < end) {
    const auto middle = begin + (end - begin) / 2;
    if (batches_[middle].ticket < ticket)
      begin = middle + 1;
    else
      end = middle;
  }
  if (begin == batches_.size() || batches_[begin].ticket != ticket) return std::nullopt;
  return begin;
}

void TakenMessages::add(const Batch& batch, std::uint32_t first, std::uint32_t last,
                        std::uint32_t answered, Nanoseconds now) {
  if (batches_.empty() || batches_.back().ticket != batch.ticket()) {
    INVARIANT(batch.ticket() != 0 && (batches_.empty() || batches_.back().ticket < batch.ticket()),
              batch.ticket());
    TakenBatch entry{};
    entry.ticket = batch.ticket();
    entry.range = batch.range(first, answered);
    entry.delivery = batch.delivery().id();
    entry.attempt = batch.attempt();
    entry.first = first;
    entry.end = answered;
    entry.since_ns = now.count();
    batches_.push_back(entry);
  }
  auto& entry = batches_.edit(batches_.size() - 1);
  for (auto i = first; i < last; ++i) entry.taken[i / 64] |= std::uint64_t{1} << i % 64;
  entry.left += last - first;
  messages_ += last - first;
}

std::optional<std::pair<std::uint32_t, std::uint32_t>> TakenMessages::run_in(
    std::size_t i, std::uint64_t first, std::uint64_t last) const {
  const auto& batch = batches_[i];
  const auto end = static_cast<std::uint32_t>(std::min<std::uint64_t>(last, batch.end));
  auto begin = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(first, batch.first, batch.end));
  while (begin < end && !batch.has(begin)) ++begin;
  if (begin >= end) return std::nullopt;
  auto after = begin + 1;
  while (after < end && batch.has(after)) ++after;
  return std::pair(begin, after);
}

// Positions in the log stay what they are as long as a message of the batch is open.
const Batch& TakenMessages::scan(std::size_t i, Delivery& delivery) {
  const auto& batch = batches_[i];
  if (scanned_ == batch.ticket) return scan_;
  scan_.refill(delivery, {batch.range, batch.attempt});
  scanned_ = batch.ticket;
  scan_first_ = batch.first;
  return scan_;
}

Range TakenMessages::range_of(std::size_t i, Delivery& delivery, std::uint32_t first,
                              std::uint32_t last) {
  const auto& batch = batches_[i];
  if (first == batch.first && last == batch.end) return batch.range;
  const auto& all = scan(i, delivery);
  return all.range(first - scan_first_, last - scan_first_);
}

void TakenMessages::settled(std::size_t i, Delivery& delivery, std::uint32_t first,
                            std::uint32_t last) {
  messages_ -= last - first;
  if (batches_[i].left == last - first) {
    if (scanned_ == batches_[i].ticket) scanned_ = 0;
    return batches_.erase(i);
  }
  auto& batch = batches_.edit(i);
  for (auto at = first; at < last; ++at) batch.taken[at / 64] &= ~(std::uint64_t{1} << at % 64);
  batch.left -= last - first;
  if (first != batch.first) return;
  auto next = last;
  while (!batch.has(next)) ++next;
  batch.range = range_of(i, delivery, next, batch.end);
  batch.first = next;
}

void TakenMessages::clear() {
  batches_.clear();
  messages_ = 0;
  scanned_ = 0;
}

}  // namespace standpipe::deliver
