// SPDX-License-Identifier: Apache-2.0
#include "nanomsg/settings.h"

#include <nanomsg/nn.h>
#include <nanomsg/pipeline.h>
#include <nanomsg/pubsub.h>
#include <nanomsg/reqrep.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <string_view>

#include "bridge.h"

namespace {

using standpipe::testing::Options;

SocketSettings handler(Options options) {
  options.try_emplace("urls", "[tcp://127.0.0.1:1]");
  const bridge::Given given(options);
  return handler_socket(given);
}
SocketSettings source(Options options) {
  options.try_emplace("urls", "[tcp://127.0.0.1:1]");
  const bridge::Given given(options);
  return source_socket(given);
}

int number(const SocketSettings& settings, std::string_view name) {
  int out = -1;
  for (const auto& option : settings.options)
    if (option.name == name && option.value.size() == sizeof out)
      std::memcpy(&out, option.value.data(), sizeof out);
  return out;
}

}  // namespace

TEST_CASE("the protocol follows from what it is for, and the other side's are refused") {
  CHECK(handler({}).protocol == NN_REQ);
  CHECK(source({}).protocol == NN_REP);
  CHECK(handler({{"protocol", "push"}}).protocol == NN_PUSH);
  CHECK(source({{"protocol", "sub"}}).protocol == NN_SUB);
  CHECK_THROWS_WITH(handler({{"protocol", "pull"}}),
                    Catch::Contains("a handler is one of req, push, pub, not pull"));
}

TEST_CASE("options are given to libnanomsg in its own units, with room for its own header") {
  const auto settings =
      handler({{"send_buffer", "64KiB"}, {"reconnect_ivl", "20ms"}, {"recv_max_size", "1MiB"}});
  CHECK(number(settings, "send_buffer") == 65536);
  CHECK(number(settings, "reconnect_ivl") == 20);
  CHECK(number(settings, "recv_max_size") == (1 << 20) + 1024);
}

TEST_CASE("URLs that libnanomsg would not take are refused with what to write") {
  for (const auto& wrong :
       {std::string("[]"), std::string("[localhost]"), "[ipc:///" + std::string(107, 'x') + "]",
        "[tcp://" + std::string(130, 'x') + ":1]"}) {
    INFO(wrong);
    CHECK_THROWS_WITH(handler({{"urls", wrong}}), Catch::StartsWith("urls: "));
  }
  CHECK(handler({{"urls", "[ipc:///tmp/a, ws://127.0.0.1:1]"}}).urls.size() == 2);
}

TEST_CASE("what does not go together is refused") {
  CHECK_THROWS_WITH(handler({{"metadata", "true"}}), Catch::StartsWith("metadata: "));
  CHECK_THROWS_WITH(source({{"subscribe", "[x]"}}), Catch::StartsWith("subscribe: "));
}
