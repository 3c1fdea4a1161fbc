// SPDX-License-Identifier: Apache-2.0
#include "worker/handler_table.h"

#include <catch2/catch.hpp>

#include "base/limits.h"
#include "worker/hub_kit.h"

using namespace standpipe;
using namespace std::chrono_literals;
using test::HubKit;

TEST_CASE("a call in a thread of its own comes back to the loop") {
  HubKit kit;
  kit.options.handlers[0].placement = deliver::Placement::thread;
  kit.begin();
  for (int i = 0; i < 200; ++i) {
    kit.send("one of those that come while a call is in progress");
    kit.hub->round();
  }
  CHECK(kit.until([&] { return kit.delivered() == 200; }));
}

TEST_CASE("when a call in a thread has come back, the handler goes on with what is there already") {
  HubKit kit;
  kit.options.handlers[0].placement = deliver::Placement::thread;
  kit.begin();
  constexpr std::uint64_t kMessages = 2 * kBatchMessages + 1;  // three calls; nothing new comes
  for (std::uint64_t i = 0; i < kMessages; ++i) kit.send("m");
  CHECK(kit.until([&] { return kit.delivered() == kMessages; }));
}

TEST_CASE(
    "a handler that waits for its retry is called when the time has come, with nothing else to "
    "do") {
  HubKit kit;
  kit.options.handlers[0].backoff_initial = 20ms;
  kit.plugin.script = {"R", "R"};
  kit.begin();
  kit.send("one");
  REQUIRE(kit.until([&] { return kit.plugin.seen.size() == 1; }));
  const auto began = kit.clock.steady();
  REQUIRE(kit.until([&] { return kit.delivered() == 1; }));
  CHECK(kit.clock.steady() - began >= 20ms);
}

TEST_CASE("handlers are told to open their files anew, whatever they are doing") {
  HubKit kit;
  int reopened = 0;
  kit.plugin.on_reopen = [&] { ++reopened; };
  kit.begin();
  kit.send("one");
  REQUIRE(kit.until([&] { return kit.delivered() == 1; }));
  for (int i = 0; i < 3; ++i) {
    kit.keeper.say("ping", "");
    kit.hub->round();  // now it has nothing to do
  }
  kit.keeper.say("want", "0 1 0");
  CHECK(kit.until([&] { return reopened == 1; }));
}
