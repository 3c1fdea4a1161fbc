// SPDX-License-Identifier: Apache-2.0
#include "producer.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <utility>

#include "topics.h"

namespace kafka {
namespace {

using Number = common::TakenWindow::Number;
using standpipe::Outcome;
constexpr int kPollMs = 200;

enum class Blame { message, topic, user, connection };

Blame blame(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
      return Blame::message;
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
      return Blame::topic;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      return Blame::user;
    default:
      return Blame::connection;
  }
}

}  // namespace

std::string Producer::why(rd_kafka_resp_err_t error, const std::string& topic) {
  const auto of_topic = topic.empty() ? std::string("the topic") : "topic '" + topic + "'";
  switch (error) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
      return "the broker refuses it as too large: raise max.message.bytes of " + of_topic +
             ", or message.max.bytes of the broker";
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
      return "the broker refuses it as invalid: a compacted topic, for one, wants a key (" +
             of_topic + ")";
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return of_topic + " does not have that partition";
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
      return of_topic + " does not exist; create it, then replay the message";
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      return "this user may not write to " + of_topic +
             "; let an administrator grant it (kafka-acls), or correct sasl_username";
    default:
      return rd_kafka_err2str(error);
  }
}

Producer::Producer(standpipe::Host host, const Settings& settings, common::TakenWindow& window,
                   std::string fixed_topic, bool one_by_one)
    : client_(host, Client::Kind::producer, settings.producer(one_by_one)),
      window_(window),
      fixed_topic_(std::move(fixed_topic)),
      one_by_one_(one_by_one),
      reports_([this] { serve(); }) {
  if (!fixed_topic_.empty())
    topic_.reset(rd_kafka_topic_new(client_.get(), fixed_topic_.c_str(), nullptr));
}

// What is not sent is forgotten here: the hub has it, and redelivers it.
Producer::~Producer() {
  is_over_ = true;
  rd_kafka_queue_yield(client_.queue());
  reports_.join();
  rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                    RD_KAFKA_PURGE_F_NON_BLOCKING);
  topic_.reset();
}

void Producer::connect(int partition) {
  const standpipe::Host& host = client_.host();
  if (fixed_topic_.empty()) {
    wait_for_broker(client_, Served::elsewhere, host);
    return;
  }
  const auto count = partitions_of(client_, fixed_topic_, Served::elsewhere, host);
  if (partition >= count)
    throw standpipe::fatal("partition: topic '" + fixed_topic_ + "' has " + std::to_string(count) +
                           ", numbered from 0; write one of them, or -1");
}

rd_kafka_resp_err_t Producer::send(Outgoing& what, const standpipe::Message& message, int partition,
                                   Number number) {
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(message.time()).count();
  const void* const value = message.size() > 0    ? message.text().data()
                            : what.is_tombstone() ? nullptr
                                                  : "";
  const void* const key = what.has_key() ? what.key().data() : nullptr;
  auto headers = what.take_headers();
  auto* const opaque = reinterpret_cast<void*>(static_cast<std::uintptr_t>(number));
  // The library's own macros for these pairs are casts of C.
  const auto produce = [&](rd_kafka_vtype_t kind, auto* topic) {
    return rd_kafka_producev(client_.get(), kind, topic,                         //
                             RD_KAFKA_VTYPE_PARTITION, std::int32_t{partition},  //
                             RD_KAFKA_VTYPE_MSGFLAGS, int{RD_KAFKA_MSG_F_COPY},  //
                             RD_KAFKA_VTYPE_VALUE, value, message.size(),        //
                             RD_KAFKA_VTYPE_KEY, key, what.key().size(),         //
                             RD_KAFKA_VTYPE_TIMESTAMP, std::int64_t{milliseconds},
                             RD_KAFKA_VTYPE_HEADERS, headers.get(),  //
                             RD_KAFKA_VTYPE_OPAQUE, opaque, RD_KAFKA_VTYPE_END);
  };
  const auto error = topic_ ? produce(RD_KAFKA_VTYPE_RKT, topic_.get())
                            : produce(RD_KAFKA_VTYPE_TOPIC, what.topic().c_str());
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) (void)headers.release();
  return error;
}

void Producer::serve() {
  while (!is_over_) {
    const auto event = client_.next(kPollMs);
    if (client_.failure().is_set()) window_.interrupt();
    if (!event || rd_kafka_event_type(event.get()) != RD_KAFKA_EVENT_DR) continue;
    while (const auto* report = rd_kafka_event_message_next(event.get())) settle(*report);
  }
}

void Producer::settle(const rd_kafka_message_t& report) {
  const auto number = static_cast<Number>(reinterpret_cast<std::uintptr_t>(report._private));
  if (report.err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    client_.is_up();
    window_.deliver(number);
    return;
  }
  const std::string topic = report.rkt ? rd_kafka_topic_name(report.rkt) : "";
  const bool is_fixed = !fixed_topic_.empty();
  switch (blame(report.err)) {
    case Blame::message:
      if (one_by_one_) {
        window_.settle(number, Outcome::reject, why(report.err, topic));
      } else {
        wants_one_by_one_ = true;
        fail(Failure::Kind::disconnected,
             "the broker refuses a batch (" + why(report.err, topic) +
                 "); each message is sent alone from now on, which is slower");
      }
      break;
    case Blame::topic:
      if (is_fixed)
        fail(Failure::Kind::disconnected, why(report.err, topic));  // open says what to do
      else
        window_.settle(number, Outcome::reject, why(report.err, topic));
      break;
    case Blame::user:
      if (is_fixed)
        fail(Failure::Kind::fatal, why(report.err, topic));
      else
        window_.settle(number, Outcome::reject, why(report.err, topic));
      break;
    case Blame::connection:
      fail(Failure::Kind::disconnected, "not delivered: " + client_.text_of(report.err));
      break;
  }
}

void Producer::fail(Failure::Kind kind, std::string text) {
  client_.failure().set(kind, std::move(text));
  window_.interrupt();
}

}  // namespace kafka
