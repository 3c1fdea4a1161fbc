// SPDX-License-Identifier: Apache-2.0
#include "handler.h"

#include <algorithm>
#include <thread>

namespace kafka {
namespace {

using std::chrono::milliseconds;
using Clock = common::TakenWindow::Clock;
using standpipe::Outcome;
constexpr auto kRoomPatience = milliseconds(20);

}  // namespace

KafkaHandler::KafkaHandler(const standpipe::Options& options)
    : host_(options.host()),
      settings_(options),
      outgoing_(options),
      partition_(static_cast<int>(options.integer("partition"))),
      message_bytes_max_(static_cast<std::size_t>(options.integer("message_max_bytes"))),
      window_(options.host(), settings_.messages_max(), settings_.bytes_max()) {}

void KafkaHandler::open() {
  window_.clear();
  producer_ =
      std::make_unique<Producer>(host_, settings_, window_, outgoing_.fixed_topic(), one_by_one_);
  try {
    producer_->connect(partition_);
  } catch (...) {
    producer_.reset();
    throw;
  }
}

void KafkaHandler::handle(standpipe::Batch& batch) {
  producer_->check();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    batch.stop_at(i);
    if (send(batch, i) == Sent::yes) continue;
    producer_->check();
    return;
  }
  batch.stop_at(batch.size());
}

KafkaHandler::Sent KafkaHandler::send(standpipe::Batch& batch, std::size_t i) {
  const auto message = batch[i];
  try {
    outgoing_.make(message);
  } catch (const standpipe::reject& lacking) {
    reject(batch, i, lacking.what());
    return Sent::yes;
  }
  if (message.size() + outgoing_.key().size() > message_bytes_max_) {
    reject(
        batch, i,
        std::to_string(message.size()) + " bytes, and " + std::to_string(outgoing_.key().size()) +
            " of the key, are more than message_max_bytes (" + std::to_string(message_bytes_max_) +
            "); raise it here, and message.max.bytes of the broker");
    return Sent::yes;
  }
  const auto bytes = message.size() + outgoing_.key().size();
  if (!window_.wait_for_room(bytes, Clock::now() + kRoomPatience)) return Sent::no_room;
  const auto number = window_.add(message.taken(), bytes);
  batch.settle(i, Outcome::taken);
  if (enqueue(message, number)) return Sent::yes;
  throw standpipe::disconnected("librdkafka's queue is full though its messages are few");
}

// The library's queue is wider than the window, so it has room, if a little later.
bool KafkaHandler::enqueue(const standpipe::Message& message, common::TakenWindow::Number number) {
  const auto until = Clock::now() + kRoomPatience;
  for (;;) {
    const auto error = producer_->send(outgoing_, message, partition_, number);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return true;
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      if (error == RD_KAFKA_RESP_ERR__FATAL) throw standpipe::disconnected("librdkafka ended");
      window_.settle(number, Outcome::reject, Producer::why(error, outgoing_.topic()));
      return true;
    }
    if (Clock::now() > until) return false;
    outgoing_.make(message);
    std::this_thread::sleep_for(milliseconds(1));
  }
}

void KafkaHandler::reject(standpipe::Batch& batch, std::size_t i, const std::string& why) {
  batch.settle(i, Outcome::reject);
  batch.reason(i, why);
}

std::optional<std::chrono::nanoseconds> KafkaHandler::tick() {
  producer_->check();
  return std::nullopt;  // called again when the window is interrupted
}

// It comes back before the deadline, or it would count as hanging.
void KafkaHandler::flush(std::chrono::nanoseconds left) {
  window_.wait_until_empty(Clock::now() + left -
                           std::min<std::chrono::nanoseconds>(left / 4, std::chrono::seconds(1)));
  producer_->check();
}

void KafkaHandler::close() {
  if (producer_) one_by_one_ = one_by_one_ || producer_->wants_one_by_one();
  producer_.reset();
  window_.clear();
}

}  // namespace kafka
