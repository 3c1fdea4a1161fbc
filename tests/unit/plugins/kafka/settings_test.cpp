// SPDX-License-Identifier: Apache-2.0
#include "kafka/settings.h"

#include <array>
#include <catch2/catch.hpp>
#include <string>

#include "bridge.h"

namespace {

using kafka::Settings;
using standpipe::testing::Options;

Options with(Options options) {
  options.try_emplace("bootstrap_servers", "[a:1, b:2]");
  options.try_emplace("topic", "t");
  return options;
}
std::string fault(const Options& options) { return bridge::fault<Settings>(with(options)); }

std::string value(const kafka::Conf& conf, const char* name) {
  std::array<char, 256> text{};
  auto size = text.size();
  REQUIRE(rd_kafka_conf_get(conf.get(), name, text.data(), &size) == RD_KAFKA_CONF_OK);
  return text.data();
}

}  // namespace

TEST_CASE("options become librdkafka's properties of the same name") {
  const bridge::Given given(with({{"linger_ms", "7"},
                                  {"compression", "lz4"},
                                  {"client_id", "me"},
                                  {"queue_buffering_max_messages", "100"},
                                  {"properties", "{socket.keepalive.enable: true}"}}));
  const Settings settings(given);
  const auto conf = settings.producer(false);
  CHECK(value(conf, "bootstrap.servers") == "a:1,b:2");
  CHECK(value(conf, "linger.ms") == "7");
  CHECK(value(conf, "compression.codec") == "lz4");
  CHECK(value(conf, "client.id") == "me");
  CHECK(value(conf, "socket.keepalive.enable") == "true");
  CHECK(settings.messages_max() == 100);
}

TEST_CASE("what the guarantees rest on is set whatever a user prefers") {
  const bridge::Given given(with({{"group_id", "g"}}));
  const Settings settings(given);
  CHECK(value(settings.producer(false), "enable.idempotence") == "true");
  CHECK(value(settings.producer(true), "batch.num.messages") == "1");
  const auto consumer = settings.consumer();
  CHECK(value(consumer, "group.id") == "g");
  CHECK(value(consumer, "enable.auto.commit") == "false");
  CHECK(value(consumer, "enable.auto.offset.store") == "false");
  for (const auto* name : {"acks: 0", "enable.auto.commit: true", "transactional.id: x",
                           "group.id: x", "delivery.report.only.error: true"}) {
    INFO(name);
    const std::string text(name);
    const auto said = fault({{"properties", "{" + text + "}"}});
    CHECK(said.starts_with("properties: " + text.substr(0, text.find(':'))));
  }
}

TEST_CASE("a secret among the properties would be shown, so it is refused without being said") {
  const auto said = fault({{"properties", "{sasl.password: hunter2}"}});
  CHECK(said.find("write sasl_password: there") != std::string::npos);
  CHECK(said.find("hunter2") == std::string::npos);
}

TEST_CASE("a property that the library does not have, or a value, is said with its name") {
  CHECK(fault({{"properties", "{nonsense: 1}"}}).starts_with("properties: nonsense: "));
  CHECK(fault({{"properties", "{socket.keepalive.enable: perhaps}"}})
            .starts_with("properties: socket.keepalive.enable: "));
  CHECK(fault({{"properties", "{partition.assignment.strategy: cooperative-sticky}"}})
            .find("range or roundrobin") != std::string::npos);
  CHECK(fault({{"bootstrap_servers", "[]"}}).starts_with("bootstrap_servers: "));
}

TEST_CASE("without a group a topic is read from where auto.offset.reset says") {
  const bridge::Given earliest(with({}));
  CHECK(Settings(earliest).first_offset() == RD_KAFKA_OFFSET_BEGINNING);
  const bridge::Given latest(with({{"properties", "{auto.offset.reset: latest}"}}));
  CHECK(Settings(latest).first_offset() == RD_KAFKA_OFFSET_END);
}
