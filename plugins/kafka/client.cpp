// SPDX-License-Identifier: Apache-2.0
#include "client.h"

#include <array>
#include <cstdint>
#include <future>
#include <thread>
#include <utility>

namespace kafka {
namespace {

constexpr auto kEndPatience = std::chrono::seconds(2);
constexpr std::uint64_t kOne = 1;

std::string refused(rd_kafka_resp_err_t error, const std::string& said) {
  if (error == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
    return said + ": this user may not use the topic; let an administrator grant it (kafka-acls)";
  if (error == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
    return said + ": this user may not use the group; let an administrator grant it (kafka-acls)";
  if (error == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED)
    return said +
           ": this user may not do that; let an administrator grant it (kafka-acls; an idempotent "
           "producer of an old broker needs IdempotentWrite)";
  if (error == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
    return said +
           ": the broker does not have that offset any more; set auto.offset.reset to earliest or "
           "latest";
  return said + ": correct sasl_username, sasl_password or sasl_mechanism";
}

}  // namespace

Client::Client(standpipe::Host host, Kind kind, Conf conf) : host_(host) {
  std::array<char, 512> why{};
  const auto type = kind == Kind::producer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER;
  client_ = rd_kafka_new(type, conf.get(), why.data(), why.size());
  if (!client_) throw standpipe::fatal(why.data());
  (void)conf.release();
  if (kind == Kind::group_consumer) rd_kafka_poll_set_consumer(client_);
  queue_.reset(kind == Kind::group_consumer ? rd_kafka_queue_get_consumer(client_)
                                            : rd_kafka_queue_get_main(client_));
  rd_kafka_set_log_queue(client_, queue_.get());
  rd_kafka_queue_io_event_enable(queue_.get(), has_some_.fd(), &kOne, sizeof kOne);
}

// The descriptor is the library's to write to until the end.
Client::~Client() {
  queue_.reset();
  std::promise<void> promise;
  auto ended = promise.get_future();
  std::thread end(
      [client = client_, fd = std::move(has_some_), promise = std::move(promise)]() mutable {
        rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
        promise.set_value();
      });
  if (ended.wait_for(kEndPatience) == std::future_status::ready) {
    end.join();
  } else {
    end.detach();
    host_.warning("librdkafka does not end; its threads are left to themselves");
  }
}

Event Client::next(int wait_ms) {
  for (;;) {
    Event event(rd_kafka_queue_poll(queue_.get(), wait_ms));
    if (!event) return event;
    switch (rd_kafka_event_type(event.get())) {
      case RD_KAFKA_EVENT_ERROR:
        serve_error(*event);
        break;
      case RD_KAFKA_EVENT_LOG:
        serve_log(*event);
        break;
      case RD_KAFKA_EVENT_NONE:
        break;
      default:
        return event;
    }
    if (wait_ms > 0) return nullptr;
  }
}

Event Client::next_or_clear() {
  auto event = next(0);
  if (event) return event;
  has_some_.clear();
  return next(0);  // what came before it was cleared
}

void Client::is_up() {
  if (is_down_ && is_down_.exchange(false)) host_.info("a broker is reached again");
}

std::string Client::text_of(rd_kafka_resp_err_t error) const {
  std::array<char, 512> text{};
  if (error == RD_KAFKA_RESP_ERR__FATAL &&
      rd_kafka_fatal_error(client_, text.data(), text.size()) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return text.data();
  return rd_kafka_err2str(error);
}

void Client::serve_error(rd_kafka_event_t& event) {
  const auto error = rd_kafka_event_error(&event);
  const char* text = rd_kafka_event_error_string(&event);
  const std::string said = text ? text : rd_kafka_err2str(error);
  if (error == RD_KAFKA_RESP_ERR__FATAL || rd_kafka_event_error_is_fatal(&event)) {
    fail_for_good(text_of(error));
    return;
  }
  switch (error) {
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
      if (!is_down_.exchange(true))
        host_.warning("no broker is reached (" +
                      (failure_.remembered().empty() ? said : failure_.remembered()) +
                      "); librdkafka goes on trying");
      break;
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
      failure_.remember(said);
      break;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
      failure_.set(Failure::Kind::fatal, refused(error, said));
      break;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      failure_.set(Failure::Kind::disconnected, said);  // open says what to do
      break;
    default:
      host_.warning(said);
  }
}

// The library wants a client made anew after such an error. A member of the same name may be what
// is left of a process that was killed, and then the next one stays.
void Client::fail_for_good(const std::string& text) {
  std::array<char, 16> unused{};
  const bool is_fenced = rd_kafka_fatal_error(client_, unused.data(), unused.size()) ==
                         RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
  failure_.set(
      Failure::Kind::disconnected,
      "librdkafka ended: " + text +
          (is_fenced ? ": if another hub has the same group.instance.id, give each its own" : ""));
}

// Errors come as errors, too.
void Client::serve_log(rd_kafka_event_t& event) {
  const char *facility = nullptr, *text = nullptr;
  int level = 0;
  if (rd_kafka_event_log(&event, &facility, &text, &level) == 0 && text)
    host_.debug("librdkafka: " + std::string(text));
}

}  // namespace kafka
