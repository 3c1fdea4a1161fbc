// SPDX-License-Identifier: Apache-2.0
#include "handler.h"

#include <utility>

using standpipe::Outcome;
using Clock = common::TakenWindow::Clock;

namespace {

constexpr std::chrono::milliseconds kRoomMost{50};  // the hub may want something else
constexpr std::size_t kWindowBytesMax = 16 << 20;

}  // namespace

SqsHandler::SqsHandler(const standpipe::Options& options)
    : host_(options.host()),
      place_(options),
      settings_(options, place_.is_fifo()),
      maker_(settings_, place_.is_fifo()),
      window_(host_, settings_.max_in_flight, kWindowBytesMax) {}

void SqsHandler::open() {
  window_.clear();
  auto queue = std::make_unique<Queue>(host_, place_);
  const Sender::Limits limits{settings_.concurrency, settings_.batch_max_bytes};
  sender_ = std::make_unique<Sender>(std::move(queue), limits, window_);
}

void SqsHandler::handle(standpipe::Batch& batch) {
  batch.stop_at(0);
  sender_->check();
  const auto until = Clock::now() + kRoomMost;
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto bytes = batch[i].size();
    if (!window_.wait_for_room(bytes, Clock::time_point())) {
      sender_->push(std::exchange(entries, {}));
      if (!window_.wait_for_room(bytes, until)) return batch.stop_at(i);
    }
    auto entry = make(batch, i);
    if (!entry) continue;
    entry->number = window_.add(batch.taken(i, 1), bytes);
    batch.settle(i, Outcome::taken);
    entries.push_back(std::move(*entry));
  }
  sender_->push(std::move(entries));
  batch.stop_at(batch.size());
}

std::optional<Entry> SqsHandler::make(standpipe::Batch& batch, std::size_t i) try {
  return maker_.make(batch[i], sender_->message_bytes_max());
} catch (const standpipe::reject& why) {
  batch.settle(i, Outcome::reject);
  batch.reason(i, why.what());
  return std::nullopt;
}

std::optional<std::chrono::nanoseconds> SqsHandler::tick() {
  sender_->check();
  return std::nullopt;  // called again when the window is interrupted
}

void SqsHandler::flush(std::chrono::nanoseconds left) {
  window_.wait_until_empty(Clock::now() + std::chrono::duration_cast<Clock::duration>(left));
  sender_->check();
}

void SqsHandler::close() {
  sender_.reset();
  window_.clear();
}
