// SPDX-License-Identifier: Apache-2.0
#include "publisher.h"

#include <amqp_framing.h>

#include <algorithm>
#include <functional>

#include "bytes.h"

using standpipe::Outcome;

// ---- Confirms

void Confirms::published(std::string_view message_id) {
  sent_.push_back({std::hash<std::string_view>()(message_id)});
}

void Confirms::follow(const amqp_frame_t& frame) {
  if (frame.frame_type == AMQP_FRAME_HEADER && returned_) {
    const auto* properties =
        static_cast<const amqp_basic_properties_t*>(frame.payload.properties.decoded);
    return_message(from_amqp(properties->message_id));
  }
  if (frame.frame_type != AMQP_FRAME_METHOD) return;
  const auto& method = frame.payload.method;
  if (method.id == AMQP_BASIC_ACK_METHOD) {
    const auto* ack = static_cast<const amqp_basic_ack_t*>(method.decoded);
    acknowledge(ack->delivery_tag, ack->multiple);
  } else if (method.id == AMQP_BASIC_NACK_METHOD) {
    const auto* nack = static_cast<const amqp_basic_nack_t*>(method.decoded);
    refuse(nack->delivery_tag, nack->multiple);
  } else if (method.id == AMQP_BASIC_RETURN_METHOD) {
    const auto* its = static_cast<const amqp_basic_return_t*>(method.decoded);
    returned_ = "RabbitMQ has returned it: " + std::string(from_amqp(its->reply_text)) + " (" +
                std::to_string(its->reply_code) + ") for exchange '" +
                std::string(from_amqp(its->exchange)) + "' and routing key '" +
                std::string(from_amqp(its->routing_key)) + "'";
  }
}

void Confirms::acknowledge(std::uint64_t tag, bool multiple) {
  if (multiple) {
    if (tag == 0) tag = last();  // AMQP: all
    window_.deliver_up_to(tag);
    for (; first_ <= tag && !sent_.empty(); ++first_) sent_.pop_front();
  } else {
    window_.deliver(tag);
    settle(tag);
  }
}

// It may be tried again: a queue was full and rejects what comes, or its process has failed.
void Confirms::refuse(std::uint64_t tag, bool multiple) {
  constexpr std::string_view kWhy =
      "RabbitMQ refuses it (basic.nack): a queue is full, or has failed";
  if (multiple && tag == 0) tag = last();
  for (auto at = multiple ? first_ : tag; at <= tag && at <= last(); ++at) {
    window_.settle(at, Outcome::retry, kWhy);
    settle(at);
  }
}

// Messages come back in the order in which they were published, so it is one of the first that are
// open.
void Confirms::return_message(std::string_view message_id) {
  const auto id = std::hash<std::string_view>()(message_id);
  const auto found = std::find_if(sent_.begin(), sent_.end(),
                                  [&](const Sent& sent) { return sent.is_open && sent.id == id; });
  if (found != sent_.end()) {
    window_.settle(first_ + static_cast<std::uint64_t>(found - sent_.begin()), Outcome::reject,
                   *returned_);
    found->is_open = false;
  }
  returned_.reset();
}

void Confirms::settle(std::uint64_t tag) {
  if (tag < first_ || tag > last()) return;
  sent_[tag - first_].is_open = false;
  for (; !sent_.empty() && !sent_.front().is_open; ++first_) sent_.pop_front();
}

// ---- Publisher

Publisher::Publisher(std::unique_ptr<Connection> connection, common::TakenWindow& window,
                     bool is_mandatory)
    : connection_(std::move(connection)),
      window_(window),
      confirms_(window),
      is_mandatory_(is_mandatory),
      worker_(
          *connection_, [this] { serve(); }, [this] { window_.interrupt(); }) {}

void Publisher::publish(std::unique_ptr<Publications> messages) {
  {
    const std::lock_guard lock(worker_.mutex());
    waiting_.push_back(std::move(messages));
  }
  worker_.wake();
}

void Publisher::expect_alive() {
  const std::lock_guard lock(worker_.mutex());
  worker_.rethrow_failure();
}

void Publisher::serve() {
  for (;;) {
    {
      const std::lock_guard lock(worker_.mutex());
      if (worker_.stops()) return;
      if (!current_ && !waiting_.empty()) {
        current_ = std::move(waiting_.front());
        waiting_.pop_front();
        sent_ = 0;
      }
    }
    const bool sends = current_ && !connection_->is_blocked();
    if (sends) send_some();
    read_all();
    if (!sends) worker_.wait();
  }
}

void Publisher::send_some() {
  const auto& all = current_->all();
  const auto end = std::min(all.size(), sent_ + kAtOnce);
  connection_->cork(true);
  for (; sent_ < end; ++sent_) send(all[sent_]);
  connection_->cork(false);
  if (sent_ == all.size()) current_.reset();
}

void Publisher::send(const Publication& publication) {
  confirms_.published(from_amqp(publication.properties.message_id));
  connection_->expect_sent(amqp_basic_publish(
      connection_->state(), Connection::kChannel, publication.exchange, publication.routing_key,
      is_mandatory_, false, &publication.properties, publication.body));
}

void Publisher::read_all() {
  amqp_frame_t frame;
  while (connection_->next_frame(frame)) confirms_.follow(frame);
  connection_->release();
}
