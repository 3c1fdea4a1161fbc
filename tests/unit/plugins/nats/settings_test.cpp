// SPDX-License-Identifier: Apache-2.0
#include "nats/settings.h"

#include <catch2/catch.hpp>
#include <string>

#include "bridge.h"

namespace {

using nats::ConnectionSettings;
using nats::ConsumerSettings;
using standpipe::testing::Options;

// The plugin's handlers need a subject; here nothing asks for it.
std::string fault(Options options) {
  options.try_emplace("subject", "s");
  return bridge::fault<ConnectionSettings>(options);
}
std::string consumer_fault(Options options) {
  options.try_emplace("subject", "s");
  options.try_emplace("stream", "S");
  options.try_emplace("durable", "hub");
  return bridge::fault<ConsumerSettings>(options);
}

}  // namespace

TEST_CASE("servers are those of one cluster, and tls:// means TLS") {
  const bridge::Given none(Options{{"subject", "s"}});
  CHECK(ConnectionSettings(none).servers == std::vector<std::string>{"nats://127.0.0.1:4222"});
  const bridge::Given two(Options{{"subject", "s"}, {"servers", "[nats://a:1, tls://b:2]"}});
  const ConnectionSettings settings(two);
  CHECK(settings.servers.size() == 2);
  CHECK(settings.tls);
}

TEST_CASE("a URL with a secret in it is refused, and the secret is not said") {
  const auto said = fault({{"servers", "[nats://me:hunter2@a:1]"}});
  CHECK(said.starts_with("servers: a URL must not have a user, password or token in it"));
  CHECK(said.find("hunter2") == std::string::npos);
  CHECK(fault({{"servers", "[a b]"}}).find("is no URL") != std::string::npos);
}

TEST_CASE("there is one way to log in, and what belongs together is given together") {
  CHECK(fault({{"user", "me"}, {"password", "x"}}).empty());
  CHECK(fault({{"user", "me"}}).starts_with("password: it is needed where user is given"));
  CHECK(fault({{"token", "x"}, {"creds", "/f"}}).starts_with("creds: token is given, too"));
  CHECK(fault({{"nkey", "U"}}).starts_with("nkey_seed: "));
  CHECK(fault({{"tls", "true"}, {"tls_cert", "/f"}}).starts_with("tls_key: "));
  CHECK(fault({{"tls_ca", "/f"}}).starts_with("tls: it must be true"));
}

TEST_CASE("a source needs a durable consumer of a stream, or of a subject") {
  CHECK(consumer_fault({}).empty());
  CHECK(consumer_fault({{"durable", ""}}).starts_with("durable: it is missing"));
  CHECK(consumer_fault({{"stream", ""}}).starts_with("stream: it is missing"));
  CHECK(consumer_fault({{"stream", ""}, {"filter_subject", "a.*"}}).empty());
  CHECK(consumer_fault({{"durable", "a.b"}}).find("is no name of a consumer") != std::string::npos);
  CHECK(consumer_fault({{"stream", "a*"}}).find("is no name of a stream") != std::string::npos);
}

TEST_CASE("where a consumer begins is said whole") {
  CHECK(consumer_fault({{"start_sequence", "7"}}).starts_with("start_sequence: "));
  CHECK(consumer_fault({{"deliver_policy", "by_start_sequence"}}).starts_with("start_sequence: "));
  CHECK(consumer_fault({{"deliver_policy", "by_start_time"}, {"start_time", "yesterday"}})
            .starts_with("start_time: 'yesterday' is no time"));
  const Options right{{"deliver_policy", "by_start_time"},
                      {"start_time", "2026-05-01T12:00:00.000Z"}};
  CHECK(consumer_fault(right).empty());
}
