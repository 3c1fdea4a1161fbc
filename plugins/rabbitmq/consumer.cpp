// SPDX-License-Identifier: Apache-2.0
#include "consumer.h"

#include <amqp_framing.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "bytes.h"

// ---- Assembly

std::optional<Delivered> Assembly::add(const amqp_frame_t& frame) {
  if (frame.frame_type == AMQP_FRAME_METHOD &&
      frame.payload.method.id == AMQP_BASIC_DELIVER_METHOD) {
    deliver_ = static_cast<const amqp_basic_deliver_t*>(frame.payload.method.decoded);
  } else if (frame.frame_type == AMQP_FRAME_HEADER && deliver_) {
    const auto* properties =
        static_cast<const amqp_basic_properties_t*>(frame.payload.properties.decoded);
    begun_.emplace(Delivered{deliver_->delivery_tag, Metadata(*deliver_, *properties), {}});
    deliver_ = nullptr;
    missing_ = frame.payload.properties.body_size;
    begun_->payload.reserve(missing_);
    return end_if_whole();
  } else if (frame.frame_type == AMQP_FRAME_BODY && begun_) {
    const auto piece = from_amqp(frame.payload.body_fragment);
    begun_->payload += piece;
    missing_ -= std::min<std::uint64_t>(missing_, piece.size());
    return end_if_whole();
  }
  return std::nullopt;
}

std::optional<Delivered> Assembly::end_if_whole() {
  return missing_ == 0 ? std::exchange(begun_, std::nullopt) : std::nullopt;
}

// ---- Consumer

Consumer::Consumer(std::unique_ptr<Connection> connection)
    : connection_(std::move(connection)),
      worker_(
          *connection_, [this] { serve(); }, [this] { has_some_.set(); }) {}

void Consumer::take(std::deque<Delivered>& messages) {
  const std::lock_guard lock(worker_.mutex());
  has_some_.clear();
  if (worker_.has_failed()) {
    has_some_.set();  // for whoever asks once more
    worker_.rethrow_failure();
  }
  if (messages.empty()) {
    std::swap(messages, come_);
  } else {
    std::move(come_.begin(), come_.end(), std::back_inserter(messages));
    come_.clear();
  }
}

void Consumer::acknowledge(std::uint64_t tag) {
  {
    const std::lock_guard lock(worker_.mutex());
    acknowledged_ = std::max(acknowledged_, tag);
  }
  worker_.wake();
}

void Consumer::reject(std::uint64_t tag) {
  {
    const std::lock_guard lock(worker_.mutex());
    rejected_.push_back(tag);
  }
  worker_.wake();
}

void Consumer::serve() {
  serve_until_stopped();
  send_answers();
}

void Consumer::serve_until_stopped() {
  for (;;) {
    {
      const std::lock_guard lock(worker_.mutex());
      if (worker_.stops()) return;
    }
    send_answers();
    if (!read_some()) worker_.wait();
  }
}

void Consumer::send_answers() {
  std::uint64_t upto = 0;
  std::vector<std::uint64_t> rejected;
  {
    const std::lock_guard lock(worker_.mutex());
    upto = acknowledged_;
    std::swap(rejected, rejected_);
  }
  auto* const state = connection_->state();
  for (const auto tag : rejected)
    connection_->expect_sent(amqp_basic_reject(state, Connection::kChannel, tag, false));
  if (upto > told_)
    connection_->expect_sent(amqp_basic_ack(state, Connection::kChannel, upto, true));
  told_ = std::max(told_, upto);
}

// true: there may be more.
bool Consumer::read_some() {
  std::deque<Delivered> come;
  amqp_frame_t frame;
  bool has_more = true;
  while (come.size() < kAtOnce && (has_more = connection_->next_frame(frame))) {
    if (auto message = assembly_.add(frame)) come.push_back(std::move(*message));
    if (!assembly_.holds_frame()) connection_->release();
  }
  if (come.empty()) return has_more;
  {
    const std::lock_guard lock(worker_.mutex());
    std::move(come.begin(), come.end(), std::back_inserter(come_));
  }
  has_some_.set();
  return has_more;
}
