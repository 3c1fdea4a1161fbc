// SPDX-License-Identifier: Apache-2.0
#include "worker/hub_account.h"

#include <catch2/catch.hpp>

#include "worker/hub_kit.h"

using namespace standpipe;
using namespace std::chrono_literals;
using test::HubKit;
using worker::HubAccount;

TEST_CASE("each source has its own line of the account") {
  HubKit kit(2);
  kit.begin();
  kit.send("a", 0);
  kit.send("b", 1);
  kit.send("c", 1);
  REQUIRE(kit.until([&] { return kit.delivered(0) == 1 && kit.delivered(1) == 2; }));
}

TEST_CASE("what is left of the sum is what is counted in the logs, and the oldest has its time") {
  HubKit kit;
  kit.plugin.script = {"R"};
  kit.begin();
  kit.send("one");
  kit.send("two");
  REQUIRE(kit.until([&] { return kit.plugin.seen.size() == 1 && kit.line().tally.matched == 2; }));
  REQUIRE(kit.line().in_flight == 2);
  const auto left = kit.hub->account(HubAccount::InFlight::left);
  CHECK(left.json() == kit.hub->account().json());
  REQUIRE(left.lines[0].oldest);
  CHECK(kit.hub->clock().wall() - Nanoseconds(*left.lines[0].oldest) < 1min);
  REQUIRE(kit.until([&] { return kit.delivered() == 2; }));
  CHECK_FALSE(kit.hub->account(HubAccount::InFlight::left).lines[0].oldest);
}

TEST_CASE("what was saved stands in its line, and in the sum") {
  HubKit kit;
  kit.plugin.script = {"R"};
  kit.begin();
  kit.send("one");
  kit.send("two");
  REQUIRE(kit.until([&] { return kit.line().tally.matched == 2; }));
  CHECK(kit.line().saved == 0);
  CHECK(kit.hub->account().spilled == 0);
  kit.begin(true).save();
  CHECK(kit.line().in_flight == 2);
  CHECK(kit.line().saved == 2);
  CHECK(kit.hub->account().spilled == 2);
}
