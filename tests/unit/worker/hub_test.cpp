// SPDX-License-Identifier: Apache-2.0
#include "worker/hub.h"

#include <catch2/catch.hpp>

#include "base/failure.h"
#include "worker/hub_kit.h"

using namespace standpipe;
using namespace std::chrono_literals;
using test::HubKit;

TEST_CASE("what is written to a FIFO is settled when the plugin has it") {
  HubKit kit;
  kit.begin();
  kit.send("one");
  kit.send("two");
  REQUIRE(kit.until([&] { return kit.delivered() == 2; }));
  CHECK(kit.line().tally.matched == 2);
  CHECK(kit.line().in_flight == 0);
  CHECK(kit.hub->account().sources[0].counters.accepted == 2);
}

TEST_CASE("a message that the plugin wants later is redelivered") {
  HubKit kit;
  kit.options.handlers[0].backoff_initial = 1ms;
  kit.plugin.script = {"R"};
  kit.begin();
  kit.send("one");
  REQUIRE(kit.until([&] { return kit.delivered() == 1; }));
  CHECK(kit.plugin.seen == std::vector<std::string>{"1 a1", "1 a2"});
}

TEST_CASE("a worker that follows delivers what the dead one had accepted") {
  HubKit kit;
  kit.plugin.script = {"R"};  // and then waits, longer than the first worker lives
  kit.begin();
  kit.send("one");
  REQUIRE(kit.until([&] { return kit.plugin.seen.size() == 1; }));
  kit.begin();
  REQUIRE(kit.until([&] { return kit.delivered() == 1; }));
  CHECK(kit.hub->account().sources[0].counters.accepted == 1);
  CHECK(kit.line().tally.matched == 1);
}

TEST_CASE("a stop delivers what was written before it, and closes the plugin") {
  HubKit kit;
  bool closed = false;
  kit.plugin.on_close = [&] { closed = true; };
  kit.begin();
  kit.send("one");
  kit.want_stop();
  kit.hub->run();
  CHECK(kit.delivered() == 1);
  CHECK(closed);
  CHECK_FALSE(kit.hub->has_detached());
  CHECK(kit.hub->account().lost_at_stop() == 0);
}

TEST_CASE("a worker that only saves asks no plugin anything") {
  HubKit kit;
  kit.plugin.script = {"R"};
  kit.begin();
  kit.send("one");
  REQUIRE(kit.until([&] { return kit.plugin.seen.size() == 1; }));
  kit.begin(true);
  REQUIRE(kit.hub->saves());
  kit.hub->save();
  CHECK(kit.plugin.seen.size() == 1);
  CHECK(kit.hub->account().spilled == 1);
}

TEST_CASE("a worker whose keeper has died stops at once") {
  HubKit kit;
  kit.begin();
  kit.send("one");
  kit.keeper.die();
  kit.hub->run();
  CHECK(kit.reported("the keeper is dead"));
  CHECK(kit.delivered() + kit.hub->account().spilled == 1);
}
