// SPDX-License-Identifier: Apache-2.0
#include "worker/stop_save.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "worker/hub_kit.h"

using namespace standpipe;
using namespace std::chrono_literals;
using test::HubKit;

TEST_CASE("what a stop cannot deliver is saved, and the next hub delivers it") {
  HubKit kit;
  kit.plugin.script = {"R"};
  kit.options.drain_timeout = 0ms;
  kit.begin();
  kit.send("one");
  REQUIRE(kit.until([&] { return kit.plugin.seen.size() == 1; }));
  kit.want_stop();
  kit.hub->run();
  CHECK(kit.hub->account().spilled == 1);
  CHECK(kit.reported("1 message waits in"));

  kit.end();
  kit.keeper.forget_all();
  kit.begin();
  CHECK(kit.until([&] { return kit.delivered() == 1; }));
}

TEST_CASE("what a stop can neither deliver nor save is dropped, and reported") {
  HubKit kit;
  kit.options.data_dir = "/proc/none";
  kit.options.data_dir_by_default = true;
  kit.plugin.script = {"R"};
  kit.options.drain_timeout = 0ms;
  kit.begin();
  kit.send("one");
  REQUIRE(kit.until([&] { return kit.plugin.seen.size() == 1; }));
  kit.want_stop();
  kit.hub->run();
  CHECK(kit.hub->account().lost_at_stop() == 1);
  CHECK(kit.reported("dropped (shutdown)"));
}

TEST_CASE("what a stop cannot save is kept from no other source's spill") {
  HubKit kit(2);
  kit.plugin.script = {"R", "R"};
  kit.options.drain_timeout = 0ms;
  kit.begin();
  kit.send("a", 0);
  kit.send("b", 1);
  REQUIRE(kit.until([&] { return kit.line(0).in_flight + kit.line(1).in_flight == 2; }));
  std::filesystem::create_directories(kit.folder / "data/spill");
  std::ofstream(kit.folder / "data/spill/in0") << "no folder";  // where the spills of a source lie
  kit.want_stop();
  kit.hub->run();
  CHECK(kit.line(1).saved == 1);
}
