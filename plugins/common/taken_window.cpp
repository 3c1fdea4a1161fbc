// SPDX-License-Identifier: Apache-2.0
#include "common/taken_window.h"

#include <algorithm>

namespace common {

using standpipe::Outcome;
using standpipe::Taken;

TakenWindow::TakenWindow(standpipe::Host host, std::size_t messages_max, std::size_t bytes_max)
    : host_(host), messages_max_(std::max<std::size_t>(messages_max, 1)), bytes_max_(bytes_max) {}

bool TakenWindow::has_room(std::size_t bytes) const {
  return sent_.empty() || (sent_.size() < messages_max_ && bytes_ + bytes <= bytes_max_);
}

bool TakenWindow::wait_for_room(std::size_t bytes, Clock::time_point until) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, until, [&] { return is_interrupted_ || has_room(bytes); });
  return !is_interrupted_ && has_room(bytes);
}

TakenWindow::Number TakenWindow::add(const Taken& message, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  sent_.push_back({message, bytes});
  bytes_ += bytes;
  return first_ + sent_.size() - 1;
}

void TakenWindow::settle(Number number, Outcome outcome, std::string_view why) {
  const std::lock_guard lock(mutex_);
  if (number < first_ || number >= first_ + sent_.size()) return;
  auto& sent = sent_[number - first_];
  if (sent.outcome != Outcome::taken) return;
  sent.outcome = outcome;
  sent.why = why;
  if (number == first_) settle_front();
}

void TakenWindow::deliver_up_to(Number number) {
  const std::lock_guard lock(mutex_);
  if (number < first_) return;
  const auto count = std::min<std::uint64_t>(number - first_ + 1, sent_.size());
  for (std::uint64_t i = 0; i < count; ++i)
    if (sent_[i].outcome == Outcome::taken) sent_[i].outcome = Outcome::delivered;
  if (count > 0) settle_front();
}

// Messages of one batch that follow one another are one call.
void TakenWindow::settle_front() {
  while (!sent_.empty() && sent_.front().outcome != Outcome::taken) {
    auto run = sent_.front().message;
    const auto outcome = sent_.front().outcome;
    const auto why = std::move(sent_.front().why);
    const auto pop = [&] {
      bytes_ -= sent_.front().bytes;
      sent_.pop_front();
      ++first_;
    };
    const auto continues = [&] {
      const auto& next = sent_.front();
      return next.outcome == outcome && next.why == why && next.message.ticket == run.ticket &&
             next.message.first == run.first + run.count;
    };
    pop();
    for (; !sent_.empty() && continues(); pop()) run.count += sent_.front().message.count;
    host_.settle(run, outcome, why);
  }
  changed_.notify_all();
}

bool TakenWindow::wait_until_empty(Clock::time_point until) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, until, [&] { return is_interrupted_ || sent_.empty(); });
  return sent_.empty();
}

void TakenWindow::interrupt() {
  {
    const std::lock_guard lock(mutex_);
    is_interrupted_ = true;
    changed_.notify_all();
  }
  (void)host_.wake();
}

void TakenWindow::clear() {
  const std::lock_guard lock(mutex_);
  sent_.clear();
  first_ = 1;
  bytes_ = 0;
  is_interrupted_ = false;
}

std::size_t TakenWindow::messages() const {
  const std::lock_guard lock(mutex_);
  return sent_.size();
}

std::size_t TakenWindow::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace common
