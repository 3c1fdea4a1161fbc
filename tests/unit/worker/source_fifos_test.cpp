// SPDX-License-Identifier: Apache-2.0
#include "worker/source_fifos.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "base/failure.h"
#include "worker/hub_kit.h"

using namespace standpipe;
using namespace std::chrono_literals;
using test::HubKit;

TEST_CASE("a source's FIFO that is removed is made again, and serves", "[slow]") {
  HubKit kit;
  kit.begin();
  std::filesystem::remove(kit.folder / "in0");
  REQUIRE(kit.until([&] { return kit.reported("made " + (kit.folder / "in0") + " again"); }));
  kit.send("one");
  CHECK(kit.until([&] { return kit.delivered() == 1; }));
}

TEST_CASE("a FIFO that another hub reads is refused, and so is the hub that wants it") {
  HubKit other, kit;  // there is one script at a time: that of the kit made last
  kit.begin();
  other.options.sources[0].path = kit.options.sources[0].path;
  other.link = other.keeper.start();
  CHECK_THROWS_AS(worker::Hub(other.options, other.clock, other.reporter, *other.link), Failure);
  CHECK(other.reported("source in0: "));
}

TEST_CASE("a worker that follows reads the same FIFO, which the keeper kept") {
  HubKit kit;
  kit.begin();
  CHECK(kit.keeper.find("source/in0") >= 0);
  kit.end();
  kit.send("written while there is no worker");
  kit.begin();
  CHECK(kit.until([&] { return kit.delivered() == 1; }));
}
