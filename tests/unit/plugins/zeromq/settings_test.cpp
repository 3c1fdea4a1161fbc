// SPDX-License-Identifier: Apache-2.0
#include "zeromq/settings.h"

#include <zmq.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <string_view>

#include "bridge.h"

namespace {

using standpipe::testing::Options;

const std::string kEndpoint = "[tcp://127.0.0.1:5555]";
// Of zmq_curve_keypair's manual page.
const std::string kPublic = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
const std::string kSecret = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";

SocketSettings handler(Options options) {
  options.try_emplace("endpoints", kEndpoint);
  const bridge::Given given(options);
  return handler_socket(given);
}
SocketSettings source(Options options) {
  options.try_emplace("endpoints", kEndpoint);
  const bridge::Given given(options);
  return source_socket(given);
}

// The value of the first one that is set.
std::string value(const SocketSettings& settings, std::string_view name) {
  for (const auto& option : settings.options)
    if (option.name == name) return option.value;
  return "(none)";
}
int number(const SocketSettings& settings, std::string_view name) {
  int out = 0;
  const auto text = value(settings, name);
  REQUIRE(text.size() == sizeof out);
  std::memcpy(&out, text.data(), sizeof out);
  return out;
}

}  // namespace

TEST_CASE("the socket's type follows from what it is for") {
  CHECK(handler({}).type == ZMQ_PUSH);
  CHECK(handler({{"ack", "true"}}).type == ZMQ_DEALER);
  CHECK(handler({{"socket_type", "pub"}}).type == ZMQ_PUB);
  CHECK(source({}).type == ZMQ_PULL);
  CHECK(source({{"ack", "true"}}).type == ZMQ_ROUTER);
  CHECK_THROWS_WITH(source({{"socket_type", "push"}}),
                    Catch::Contains("a source is one of pull, sub, router, not push"));
  CHECK_THROWS_WITH(source({{"socket_type", "sub"}, {"ack", "true"}}), Catch::StartsWith("ack: "));
}

TEST_CASE("options are given to libzmq in its own units") {
  const auto settings =
      handler({{"sndhwm", "7"}, {"linger", "1500ms"}, {"reconnect_ivl", "20ms"}, {"bind", "true"}});
  CHECK(number(settings, "sndhwm") == 7);
  CHECK(number(settings, "linger") == 1500);
  CHECK(number(settings, "reconnect_ivl") == 20);
  CHECK(settings.binds);
  CHECK(settings.endpoints == std::vector<std::string>{"tcp://127.0.0.1:5555"});
}

TEST_CASE("endpoints that libzmq would not take are refused with what to write") {
  for (const auto* wrong : {"[localhost]", "[tcp://localhost]", "[udp://127.0.0.1:1]", "[]"}) {
    INFO(wrong);
    CHECK_THROWS_WITH(handler({{"endpoints", wrong}}), Catch::StartsWith("endpoints: "));
  }
  CHECK_THROWS_WITH(handler({{"endpoints", "[ipc://" + std::string(200, 'x') + "]"}}),
                    Catch::Contains("107"));
  CHECK_THROWS_WITH(
      handler({{"ack", "true"}, {"endpoints", "[tcp://127.0.0.1:1, tcp://127.0.0.1:2]"}}),
      Catch::Contains("with ack: true there is one"));
}

TEST_CASE("a subscriber without topics takes all, and only it has topics") {
  CHECK(value(source({{"socket_type", "sub"}}), "subscribe").empty());
  CHECK(value(source({{"socket_type", "sub"}, {"subscribe", "[pump.]"}}), "subscribe") == "pump.");
  CHECK_THROWS_WITH(source({{"subscribe", "[pump.]"}}), Catch::StartsWith("subscribe: "));
}

TEST_CASE("keys of CURVE are decoded, the public one follows, and a wrong one is not shown") {
  const auto client = handler({{"curve_serverkey", kPublic}, {"curve_secretkey", kSecret}});
  CHECK(client.is_encrypted);
  CHECK(value(client, "curve_serverkey").size() == 32);
  CHECK(value(client, "curve_publickey") == value(client, "curve_serverkey"));
  const auto server = source({{"curve_server", "true"}, {"curve_secretkey", kSecret}});
  CHECK(number(server, "curve_server") == 1);
  CHECK_THROWS_WITH(handler({{"curve_serverkey", kPublic}}), Catch::Contains("curve_secretkey"));
  CHECK_THROWS_WITH(handler({{"curve_secretkey", kSecret}}), Catch::Contains("of no use"));
  // libzmq 4.3.4 decodes a character that Z85 does not have as another one.
  const auto wrong = "~" + kSecret.substr(1);
  CHECK_THROWS_WITH(handler({{"curve_serverkey", kPublic}, {"curve_secretkey", wrong}}),
                    Catch::StartsWith("curve_secretkey: ") && !Catch::Contains(wrong));
}
