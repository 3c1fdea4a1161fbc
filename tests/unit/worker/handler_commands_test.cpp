// SPDX-License-Identifier: Apache-2.0
#include "worker/handler_commands.h"

#include <catch2/catch.hpp>
#include <string>

#include "base/failure.h"
#include "worker/hub_kit.h"

using namespace standpipe;
using Catch::Contains;
using Catch::StartsWith;
using test::HubKit;

namespace {

std::string ask(HubKit& kit, const std::string& request) {
  return kit.hub->answer(request).value();
}

// What was sent is in the log, and stays there.
void wait_for_nothing(HubKit& kit) {
  REQUIRE(kit.until([&] { return kit.line().in_flight == 1; }));
  for (int i = 0; i < 3; ++i) {
    kit.keeper.say("ping", "");
    kit.hub->round();
  }
  CHECK(kit.delivered() == 0);
}

}  // namespace

TEST_CASE("a handler is held and released by name, and its messages wait meanwhile") {
  HubKit kit;
  kit.begin();
  CHECK(ask(kit, "handler list") == "out\tready\t0\t0\t\n");
  CHECK_THAT(ask(kit, "handler hold out"), StartsWith("out is held: it gets no message until"));
  kit.send("one");
  wait_for_nothing(kit);
  CHECK(ask(kit, "handler list") == "out\theld\t1\t0\theld by a person\n");
  CHECK_THAT(ask(kit, "handler hold out"), StartsWith("out is held already"));
  CHECK_THAT(ask(kit, "handler retry out"), StartsWith("out is released"));
  CHECK(kit.until([&] { return kit.delivered() == 1; }));
}

TEST_CASE("a person's hold and its end outlive the worker") {
  HubKit kit;
  kit.begin();
  (void)ask(kit, "handler hold out");
  kit.end();
  kit.link = kit.keeper.start();
  kit.hub = std::make_unique<worker::Hub>(kit.options, kit.clock, kit.reporter, *kit.link, false);
  kit.hub->start(std::chrono::seconds(5));
  kit.send("one");
  wait_for_nothing(kit);
  CHECK(ask(kit, "handler list") == "out\theld\t1\t0\theld by a person\n");
  (void)ask(kit, "handler retry out");  // its plugin's instance is made only now
  CHECK(kit.until([&] { return kit.delivered() == 1; }));
  kit.begin();
  kit.send("two");
  CHECK(kit.until([&] { return kit.delivered() == 2; }));
}

TEST_CASE("a held handler is let pass one message, of the source that is named") {
  HubKit kit(2);
  kit.begin();
  (void)ask(kit, "handler hold out");
  CHECK_THROWS_WITH(ask(kit, "handler skip out"), "no message waits for out");
  kit.send("one");
  kit.send("two");
  kit.send("three", 1);
  REQUIRE(kit.until([&] { return kit.line(0).in_flight == 2 && kit.line(1).in_flight == 1; }));
  CHECK_THROWS_WITH(ask(kit, "handler skip out"), Contains("messages of in0, in1 wait for out"));
  CHECK_THROWS_WITH(ask(kit, "handler skip out in7"), Contains("its sources: in0, in1"));
  CHECK_THAT(ask(kit, "handler skip out in0"),
             StartsWith("out is released behind message 1 of in0"));
  CHECK(kit.until([&] { return kit.delivered(0) == 1 && kit.delivered(1) == 1; }));
  const auto tally = kit.line(0).tally;
  CHECK(tally.dead_lettered == 1);
  CHECK(kit.hub->account().closes());
  CHECK_THAT(kit.hub->account().text(), Contains("skipped"));
}

TEST_CASE("a request that names no handler, or cannot be granted, says why") {
  HubKit kit;
  kit.add_handler("other", kit.plugin.plugin);
  kit.begin();
  CHECK_THROWS_WITH(ask(kit, "handler hold ouch"),
                    "there is no handler 'ouch' (handlers: out, other)");
  CHECK_THROWS_WITH(ask(kit, "handler retry out"), "out is not held: it is ready");
  CHECK_THROWS_WITH(ask(kit, "handler skip out"), "out is not held: it is ready");
  CHECK_THROWS_WITH(ask(kit, "handler kill out"), Contains("requests: handler list"));
  CHECK_THROWS_WITH(ask(kit, "handler hold out now"), Contains("requests: handler list"));
  CHECK_FALSE(kit.hub->answer("stats").has_value());
  kit.want_stop();
  (void)kit.until([&] { return kit.hub->is_stopping(); });
  CHECK_THROWS_WITH(ask(kit, "handler hold out"), "the hub is stopping");
  CHECK_NOTHROW(ask(kit, "handler list"));
}
