// SPDX-License-Identifier: Apache-2.0
#include "handler.h"

#include <utility>

#include "refusal.h"

using standpipe::Outcome;

RabbitHandler::RabbitHandler(const standpipe::Options& options)
    : host_(options.host()),
      broker_(options),
      queue_(options),
      composer_(options),
      is_mandatory_(options.boolean("mandatory")),
      window_(options.host(), static_cast<std::size_t>(options.integer("max_unconfirmed")),
              static_cast<std::size_t>(options.bytes("max_unconfirmed_size"))) {}

void RabbitHandler::open() {
  auto connection = std::make_unique<Connection>(broker_, host_);
  const auto exchange = composer_.exchange();
  if (exchange && !exchange->empty()) connection->expect_exchange(*exchange);
  if (!queue_.name.empty()) connection->expect_queue(queue_);
  connection->select_confirms();
  composer_.limit_frame(connection->frame_max());
  window_.clear();
  composed_ = std::make_unique<Publications>();
  publisher_ = std::make_unique<Publisher>(std::move(connection), window_, is_mandatory_);
}

// What was composed has its number in the window, so it is given to the publisher whatever happens.
void RabbitHandler::handle(standpipe::Batch& batch) {
  expect_alive();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto message = batch[i];
    if (!has_room(message.size())) {
      batch.stop_at(i);
      break;
    }
    try {
      composer_.compose(message, *composed_);
    } catch (const standpipe::reject& why) {
      batch.settle(i, Outcome::reject);
      batch.reason(i, why.what());
      continue;
    }
    window_.add(batch.taken(i, 1), message.size());
    batch.settle(i, Outcome::taken);
    if (composed_->all().size() >= kGivenAtOnce) give();
  }
  give();
}

bool RabbitHandler::has_room(std::size_t bytes) {
  if (window_.wait_for_room(bytes, Clock::time_point::min())) return true;
  give();
  return window_.wait_for_room(bytes, Clock::now() + kRoomMost);
}

void RabbitHandler::give() {
  if (composed_->all().empty()) return;
  publisher_->publish(std::exchange(composed_, std::make_unique<Publications>()));
}

std::optional<std::chrono::nanoseconds> RabbitHandler::tick() {
  expect_alive();
  return std::nullopt;  // the publisher's thread asks for the next one
}

void RabbitHandler::expect_alive() {
  try {
    publisher_->expect_alive();
  } catch (const MessageTooLarge& refusal) {
    composer_.limit_payload(refusal.limit);
    throw;
  } catch (const MissingExchange& refusal) {
    if (composer_.exchange()) throw;
    composer_.avoid_exchange(refusal.name);
    throw standpipe::disconnected(refusal.what());
  }
}

void RabbitHandler::flush(std::chrono::nanoseconds left) {
  window_.wait_until_empty(Clock::now() + left);
}

void RabbitHandler::close() {
  publisher_.reset();
  window_.clear();
}
