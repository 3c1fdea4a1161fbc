// SPDX-License-Identifier: Apache-2.0
#include "settings.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace kafka {
namespace {

struct Refused {
  std::string_view name, why;
};
constexpr std::string_view kOption = "it is an option of its own; write ";
constexpr std::array<Refused, 22> kRefused = {
    {{"bootstrap.servers", kOption},
     {"metadata.broker.list", "it is an option of its own; write bootstrap_servers: there"},
     {"group.id", kOption},
     {"sasl.password", "it would be shown; the option for it is never shown: write "},
     {"ssl.key.password", "it would be shown; the option for it is never shown: write "},
     {"ssl.key.pem", "it would be shown; write the key's path as ssl.key.location"},
     {"ssl.keystore.password",
      "it would be shown; use ssl.certificate.location and "
      "ssl.key.location"},
     {"sasl.oauthbearer.client.secret", "it would be shown"},
     {"sasl.oauthbearer.config", "it would be shown"},
     {"queue.buffering.max.messages", kOption},
     {"queue.buffering.max.kbytes", kOption},
     {"message.max.bytes", kOption},
     {"compression.codec", "it is an option of its own; write compression: there"},
     {"compression.type", "it is an option of its own; write compression: there"},
     {"linger.ms", kOption},
     {"acks", "a message counts as delivered only when all replicas in sync have it"},
     {"request.required.acks",
      "a message counts as delivered only when all replicas in sync have it"},
     {"enable.auto.commit", "offsets are committed only when the hub's handlers have the messages"},
     {"enable.auto.offset.store",
      "offsets are committed only when the hub's handlers have the messages"},
     {"delivery.report.only.error", "messages are settled by the reports"},
     {"transactional.id", "the bridge has no transactions"},
     {"plugin.library.paths", "the bridge loads no plugins of the library"}}};

std::string as_option(std::string_view property) {
  std::string name(property);
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

void refuse_what_is_ours(const std::string& name) {
  for (const auto& refused : kRefused) {
    if (refused.name != name) continue;
    std::string why(refused.why);
    if (why.ends_with("write ")) why += as_option(name) + ": there";
    throw standpipe::fatal("properties: " + name + ": " + why);
  }
}

void set(rd_kafka_conf_t* conf, const std::string& name, const std::string& value,
         const std::string& where) {
  std::array<char, 512> why{};
  if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), why.data(), why.size()) !=
      RD_KAFKA_CONF_OK)
    throw standpipe::fatal(where + ": " + why.data());
}

// Memory: bytes bound the queue, not a count of messages; and a fetch may bring what it has asked
// for though the queue is full by then. librdkafka 2.0 looks at a queue that was full only once a
// second, so it has to last for as long.
const std::vector<std::pair<std::string, std::string>> kConsumerPrefers = {
    {"auto.offset.reset", "earliest"},       {"session.timeout.ms", "10000"},
    {"queued.max.messages.kbytes", "65536"}, {"queued.min.messages", "200000"},
    {"fetch.max.bytes", "8388608"},          {"fetch.wait.max.ms", "100"},
    {"fetch.error.backoff.ms", "20"}};

// A topic that a message names may not exist: five seconds behind which others wait, not thirty.
const std::vector<std::pair<std::string, std::string>> kProducerPrefers = {
    {"enable.idempotence", "true"}, {"topic.metadata.propagation.max.ms", "5000"}};

}  // namespace

Settings::Settings(const standpipe::Options& options)
    : given_(options.map("properties")),
      group_(options.text("group_id")),
      messages_max_(static_cast<std::size_t>(options.integer("queue_buffering_max_messages"))),
      bytes_max_(static_cast<std::size_t>(options.integer("queue_buffering_max_kbytes")) * 1024) {
  for (const auto& [name, value] : given_) {
    refuse_what_is_ours(name);
    if (name == "partition.assignment.strategy" && value.find("cooperative") != value.npos)
      throw standpipe::fatal(
          "properties: partition.assignment.strategy: the bridge gives partitions back all at "
          "once; write range or roundrobin");
  }
  for (const auto& server : options.list("bootstrap_servers"))
    servers_ += (servers_.empty() ? "" : ",") + server;
  if (servers_.empty())
    throw standpipe::fatal("bootstrap_servers: name a broker at least, as in [kafka1:9092]");
  options_.emplace_back("bootstrap.servers", servers_);
  for (const char* option :
       {"client.id", "security.protocol", "sasl.mechanism", "sasl.username", "sasl.password",
        "ssl.ca.location", "ssl.certificate.location", "ssl.key.location", "ssl.key.password"})
    add_option(options, option);
  for (const char* option : {"linger.ms", "message.max.bytes"})
    options_.emplace_back(option, std::to_string(options.integer(as_option(option))));
  options_.emplace_back("compression.codec", options.text("compression"));
  // Says what is wrong while the configuration is checked.
  (void)producer(false);
  (void)consumer();
}

void Settings::add_option(const standpipe::Options& options, const char* property) {
  const auto option = as_option(property);
  if (options.has(option) && !options.text(option).empty())
    options_.emplace_back(property, options.text(option));
}

Conf Settings::with(const std::vector<Property>& preferred,
                    const std::vector<Property>& needed) const {
  Conf conf(rd_kafka_conf_new());
  for (const auto& [name, value] : preferred) set(conf.get(), name, value, name);
  for (const auto& [name, value] : given_) set(conf.get(), name, value, "properties: " + name);
  for (const auto& [name, value] : options_) set(conf.get(), name, value, as_option(name));
  for (const auto& [name, value] : needed) set(conf.get(), name, value, name);
  // The library has nowhere to print to but the hub's log.
  set(conf.get(), "log.queue", "true", "log.queue");
  set(conf.get(), "log_level", "7", "log_level");
  return conf;
}

// The library's own queue is wider than the window, which alone says when it is full: a message
// leaves the window before it leaves the queue.
Conf Settings::producer(bool one_by_one) const {
  const auto kilobytes = std::min<std::size_t>(2 * bytes_max_ / 1024 + 65536, 2097151);
  std::vector<Property> needed = {
      {"acks", "all"},
      {"queue.buffering.max.messages", std::to_string(2 * messages_max_ + 1000)},
      {"queue.buffering.max.kbytes", std::to_string(kilobytes)}};
  if (one_by_one) needed.emplace_back("batch.num.messages", "1");
  auto conf = with(kProducerPrefers, needed);
  rd_kafka_conf_set_events(conf.get(),
                           RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
  return conf;
}

Conf Settings::consumer() const {
  std::vector<Property> needed = {{"enable.auto.commit", "false"},
                                  {"enable.auto.offset.store", "false"},
                                  {"enable.partition.eof", "false"}};
  if (!group_.empty()) needed.emplace_back("group.id", group_);
  auto conf = with(kConsumerPrefers, needed);
  rd_kafka_conf_set_events(conf.get(), RD_KAFKA_EVENT_FETCH | RD_KAFKA_EVENT_ERROR |
                                           RD_KAFKA_EVENT_LOG | RD_KAFKA_EVENT_REBALANCE);
  return conf;
}

std::int64_t Settings::first_offset() const {
  const auto conf = consumer();
  std::array<char, 32> text{};
  std::size_t size = text.size();
  rd_kafka_conf_get(conf.get(), "auto.offset.reset", text.data(), &size);
  const std::string_view reset(text.data());
  const bool is_end = reset == "largest" || reset == "latest" || reset == "end";
  return is_end ? RD_KAFKA_OFFSET_END : RD_KAFKA_OFFSET_BEGINNING;
}

}  // namespace kafka
