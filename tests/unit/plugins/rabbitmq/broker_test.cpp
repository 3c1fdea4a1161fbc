// SPDX-License-Identifier: Apache-2.0
#include "rabbitmq/broker.h"

#include <catch2/catch.hpp>
#include <string>

#include "bridge.h"

namespace {

using standpipe::testing::Options;

Broker broker(const Options& options) {
  const bridge::Given given(options);
  return Broker(static_cast<const standpipe::Options&>(given));
}
std::string fault(const Options& options) { return bridge::fault<Broker>(options); }

}  // namespace

TEST_CASE("a URI says where the broker is, with percent signs for what would divide it") {
  const auto its = broker({{"uri", "amqp://me:p%40ss%3aw@broker.example:99/%2forders"}});
  CHECK((its.host == "broker.example" && its.port == 99 && its.vhost == "/orders"));
  CHECK((its.user == "me" && its.password == "p@ss:w" && !its.tls.is_used));
  CHECK(its.name() == "broker.example:99, vhost /orders");
  const auto plain = broker({{"uri", "amqp://broker.example"}});
  CHECK((plain.port == 5672 && plain.vhost == "/" && plain.user == "guest"));
  const auto secure = broker({{"uri", "amqps://broker.example"}});
  CHECK((secure.port == 5671 && secure.tls.is_used && secure.tls.verifies));
}

TEST_CASE("user and password may be beside a URI, host, port and vhost may not") {
  const auto its =
      broker({{"uri", "amqp://broker.example"}, {"user", "me"}, {"password", "secret"}});
  CHECK((its.user == "me" && its.password == "secret"));
  for (const auto* option : {"host", "port", "vhost"}) {
    const auto said = fault({{"uri", "amqp://broker.example"}, {option, "1"}});
    CHECK(said == std::string(option) + ": uri says it already; give one of them");
  }
}

TEST_CASE("a URI that cannot be read is refused, and what is secret in it is not said") {
  CHECK(fault({{"uri", "amqp:me:secret"}}).starts_with("uri: it cannot be read"));
  CHECK(fault({{"uri", "amqp://me:secret@host:port/"}}).find("secret") == std::string::npos);
  CHECK(fault({{"uri", "amqp://me:secret@host/"}}).starts_with("uri: it ends with a slash"));
}

TEST_CASE("options of their own say the same, and an IPv6 address is shown in brackets") {
  CHECK(broker({}).name() == "127.0.0.1:5672, vhost /");
  CHECK(broker({{"tls", "true"}}).port == 5671);
  CHECK(broker({{"host", "::1"}, {"port", "7"}}).name() == "[::1]:7, vhost /");
  CHECK(broker({{"heartbeat", "1500ms"}}).heartbeat == 2);  // whole seconds, and never less
  CHECK_FALSE(broker({{"tls", "true"}, {"verify", "verify_none"}}).tls.verifies);
}

TEST_CASE("what no broker has is refused with what to write") {
  CHECK(fault({{"vhost", ""}}).starts_with("vhost: it is empty"));
  CHECK(fault({{"host", ""}}).starts_with("host: it is empty"));
  CHECK(fault({{"user", std::string("a\0b", 3)}}).starts_with("user: it has a NUL"));
  CHECK(fault({{"tls", "true"}, {"certfile", "a"}}).starts_with("certfile: "));
}
