// SPDX-License-Identifier: Apache-2.0
#include "flight.h"

#include <algorithm>

void SentBatch::add(common::TakenWindow::Number number, std::string_view frame,
                    bool begins_message) {
  if (messages_ == 0) first_ = number;
  messages_ += begins_message ? 1 : 0;
  bytes_ += frame;
  ends_.push_back(bytes_.size());
}

std::string_view SentBatch::operator[](std::size_t i) const {
  if (i == 0) return head_;
  const auto begin = i == 1 ? 0 : ends_[i - 2];
  return std::string_view(bytes_).substr(begin, ends_[i - 1] - begin);
}

const SentBatch* Flight::to_send() {
  if (next_ == 0) repeats_first_ = false;
  const auto i = repeats_first_ ? 0 : next_;
  if (i >= batches_.size()) return nullptr;
  batches_[i].set_head({has_metadata_, session_, base_, base_ + i});
  return &batches_[i];
}

void Flight::sent() {
  if (!repeats_first_) ++next_;
  known_ = std::max(known_, next_);
  repeats_first_ = false;
}

bool Flight::acknowledge(const Answer& answer, const std::vector<Refusal>& refusals,
                         common::TakenWindow& window) {
  if (answer.session != session_ || answer.safe < base_) return false;
  for (const auto& refusal : refusals)
    if (refusal.id <= answer.safe) refuse(refusal, window);
  // What was never sent cannot be safe.
  const auto count = std::min<std::uint64_t>(answer.safe - base_ + 1, known_);
  if (count == 0) return false;
  window.deliver_up_to(batches_[count - 1].last());
  batches_.erase(batches_.begin(), batches_.begin() + static_cast<std::ptrdiff_t>(count));
  base_ += count;
  known_ -= count;
  next_ -= std::min<std::size_t>(count, next_);
  repeats_first_ = false;
  return true;
}

void Flight::refuse(const Refusal& refusal, common::TakenWindow& window) {
  if (refusal.id < base_ || refusal.id - base_ >= known_) return;
  const auto& batch = batches_[refusal.id - base_];
  if (refusal.index >= batch.messages()) return;
  window.settle(batch.first() + refusal.index, standpipe::Outcome::reject,
                "the peer refuses it: " + refusal.why);
}
