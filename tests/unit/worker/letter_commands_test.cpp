// SPDX-License-Identifier: Apache-2.0
#include "worker/letter_commands.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <fstream>
#include <string>
#include <thread>

#include "base/failure.h"
#include "worker/hub_kit.h"

using namespace standpipe;
using namespace std::chrono_literals;
using Catch::Contains;
using test::HubKit;

namespace {

std::string ask(HubKit& kit, const std::string& request) {
  return kit.hub->answer(request).value();
}

// Waits for the purge's end.
std::string result(HubKit& kit, const std::string& number) {
  for (;;) {
    const auto said = ask(kit, "dead result " + number);
    if (said != "pending\n") return said;
    std::this_thread::sleep_for(1ms);
  }
}

}  // namespace

TEST_CASE("a running hub purges its dead letters, and goes on keeping others") {
  HubKit kit;
  kit.plugin.script = {"J", "J", "J"};
  kit.begin();
  CHECK(ask(kit, "dead where") == kit.options.data_dir + '\n');
  kit.send("one");
  REQUIRE(kit.until([&] { return kit.line().tally.dead_lettered == 1; }));
  kit.send("two");
  REQUIRE(kit.until([&] { return kit.line().tally.dead_lettered == 2; }));
  CHECK(ask(kit, "dead purge handler=another") == "1\n");
  CHECK(result(kit, "1") == "purged 0\n");
  CHECK(ask(kit, "dead purge handler=out reason=rejected") == "2\n");
  CHECK(result(kit, "2") == "purged 2\n");
  kit.send("three");
  REQUIRE(kit.until([&] { return kit.line().tally.dead_lettered == 3; }));
  deliver::DeadLetterReader reader(kit.options.data_dir);
  CHECK(reader.next()->sequence == 3);
  CHECK_FALSE(reader.next());
}

TEST_CASE("what cannot be meant of dead letters is refused with a reason") {
  HubKit kit;
  kit.begin();
  CHECK_THROWS_WITH(ask(kit, "dead purge size=3"), Contains("does not know the filter"));
  CHECK_THROWS_WITH(ask(kit, "dead result 1"), Contains("nothing is known of the purge '1'"));
  CHECK_THROWS_WITH(ask(kit, "dead end"), Contains("requests: dead where"));
  CHECK_THROWS_WITH(ask(kit, "dead replay soon"), Contains("does not know the interval 'soon'"));
  CHECK_THROWS_WITH(ask(kit, "dead replay 0 size=3"), Contains("does not know the filter"));
  CHECK_THROWS_WITH(ask(kit, "dead replay 86400000000001"), Contains("interval"));
  CHECK_THROWS_WITH(ask(kit, "dead replayed 1"), Contains("nothing is known of the replay '1'"));
  CHECK_THROWS_WITH(ask(kit, "dead cancel"), Contains("no dead letters are being replayed"));
}

TEST_CASE("a hub without a data_dir says that it keeps no letters") {
  HubKit kit;
  kit.options.data_dir_by_default = true;
  std::ofstream(kit.options.data_dir) << "a file in its place";
  kit.begin();
  CHECK_THROWS_WITH(ask(kit, "dead where"), Contains("keeps no dead letters"));
}
