// SPDX-License-Identifier: Apache-2.0
#include "topics.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

namespace kafka {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kBrokerPatience = std::chrono::seconds(10);
constexpr auto kTopicPatience = std::chrono::seconds(5);
constexpr auto kPause = std::chrono::milliseconds(100);
constexpr int kAskMs = 300;  // so often it looks whether to go on
constexpr std::size_t kNameMax = 249;

struct MetadataDestroy {
  void operator()(const struct rd_kafka_metadata* metadata) const {
    rd_kafka_metadata_destroy(metadata);
  }
};
using Metadata = std::unique_ptr<const struct rd_kafka_metadata, MetadataDestroy>;

void serve(Client& client, Served served, const standpipe::Host& host) {
  if (served == Served::here)
    while (client.next(0)) {
    }
  client.failure().throw_it();
  if (client.is_down())
    throw standpipe::disconnected("no broker is reached: " + client.failure().remembered());
  if (host.stopping()) throw standpipe::disconnected("the hub stops");
}

// Of no topic (nullptr) or of one.
Metadata ask(Client& client, rd_kafka_topic_t* topic, Served served, const standpipe::Host& host) {
  const auto deadline = Clock::now() + kBrokerPatience;
  for (;;) {
    const struct rd_kafka_metadata* metadata = nullptr;
    const auto error = rd_kafka_metadata(client.get(), 0, topic, &metadata, kAskMs);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return Metadata(metadata);
    serve(client, served, host);
    if (Clock::now() < deadline) continue;
    const auto last = client.failure().remembered();
    throw standpipe::disconnected("no broker answers: " +
                                  (last.empty() ? rd_kafka_err2str(error) : last));
  }
}

bool may_come(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
         error == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
}

}  // namespace

std::string topic_name_fault(std::string_view name) {
  if (name.empty()) return "a topic's name is empty";
  if (name.size() > kNameMax) return "a topic's name has at most 249 characters";
  if (name == "." || name == "..") return "a topic cannot be called . or ..";
  const auto is_legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  if (std::all_of(name.begin(), name.end(), is_legal)) return {};
  return "a topic's name has letters, digits, '.', '_' and '-' only";
}

void wait_for_broker(Client& client, Served served, const standpipe::Host& host) {
  (void)ask(client, nullptr, served, host);
}

int partitions_of(Client& client, const std::string& topic, Served served,
                  const standpipe::Host& host) {
  const Topic handle(rd_kafka_topic_new(client.get(), topic.c_str(), nullptr));
  const auto deadline = Clock::now() + kTopicPatience;
  for (;;) {
    const auto metadata = ask(client, handle.get(), served, host);
    if (metadata->topic_cnt == 1) {
      const auto& found = metadata->topics[0];
      if (found.err == RD_KAFKA_RESP_ERR_NO_ERROR && found.partition_cnt > 0)
        return found.partition_cnt;
      if (found.err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
        throw standpipe::fatal("topic '" + topic +
                               "': this user may not use it; let an administrator grant it "
                               "(kafka-acls), or correct sasl_username");
      if (!may_come(found.err) && found.err != RD_KAFKA_RESP_ERR_NO_ERROR)
        throw standpipe::disconnected("topic '" + topic + "': " + rd_kafka_err2str(found.err));
    }
    if (Clock::now() >= deadline)
      throw standpipe::fatal("topic '" + topic +
                             "' does not exist; create it (kafka-topics --create --topic " + topic +
                             "), or correct the option topic");
    serve(client, served, host);
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace kafka
