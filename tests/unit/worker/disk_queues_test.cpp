// SPDX-License-Identifier: Apache-2.0
#include "worker/disk_queues.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <string>

#include "worker/hub_kit.h"

using namespace standpipe;
using namespace std::chrono_literals;
using deliver::QueueOptions;
using test::HubKit;

namespace {

// One source, and a handler with a queue on disk. Verbs: those of HubKit, and send_all, wait.
class QueuesFixture : public HubKit {
 public:
  QueuesFixture() { options.handlers[0].queue = on_disk(); }
  static QueueOptions on_disk() { return {.type = QueueOptions::Type::disk, .size_max = 4 * MiB}; }
  void send_all(int first, int last) {
    for (int i = first; i < last; ++i) send(std::to_string(i));
  }
  // Rounds until that is so, for as long as a disk may take.
  bool wait(const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + 30s;
    while (!done() && std::chrono::steady_clock::now() < end) {
      keeper.say("ping", "");  // so that there is something to wait for
      hub->round();
    }
    return done();
  }
  bool has_files() const {
    std::error_code error;
    const std::filesystem::directory_iterator entries(folder / "data/queue/in0/out", error), end;
    return !error && entries != end;
  }
};

}  // namespace

TEST_CASE("what has a queue on disk goes through it, and its account is one line that closes") {
  QueuesFixture f;
  f.begin();
  f.send_all(0, 100);
  REQUIRE(f.wait([&] { return f.delivered() == 100; }));
  CHECK(f.line().tally.matched == 100);
  CHECK(f.line().in_flight == 0);
  CHECK(f.hub->account().closes());
  CHECK(f.hub->account().lines.size() == 1);
  REQUIRE(f.hub->queues().size() == 1);
  CHECK(f.hub->queues()[0].source == "in0");
  CHECK(f.hub->queues()[0].handler == "out");
  CHECK(f.hub->queues()[0].waiting == 0);
}

TEST_CASE("a worker that dies leaves its queues to the next one") {
  QueuesFixture f;
  for (int life = 0; life < 10; ++life) {
    f.begin();
    f.send_all(life * 50, life * 50 + 50);
    for (int i = 0; i < life; ++i) {
      f.keeper.say("ping", "");
      f.hub->round();
    }
  }
  REQUIRE(f.wait([&] { return f.delivered() == 500; }));
  CHECK(f.line().tally.matched == 500);
}

TEST_CASE("a queue that the configuration no longer has is served until it is empty") {
  QueuesFixture f;
  f.begin();
  f.send_all(0, 10);
  REQUIRE(f.wait([&] { return f.delivered() == 10; }));
  f.options.handlers[0].queue = {};
  f.begin();
  REQUIRE(f.wait([&] { return f.hub->queues().empty(); }));
  CHECK_FALSE(f.has_files());
  f.send_all(10, 20);
  REQUIRE(f.wait([&] { return f.delivered() == 20; }));
  CHECK_FALSE(f.has_files());
  f.end();
  f.keeper.forget_all();
  std::filesystem::remove_all(f.folder / "data/queue");
  f.begin();
  CHECK(f.hub->queues().empty());
}

TEST_CASE("files that an earlier run left are a queue, whatever is configured") {
  QueuesFixture f;
  f.begin();
  f.send_all(0, 10);
  REQUIRE(f.wait([&] { return f.delivered() == 10; }));
  REQUIRE(f.has_files());
  f.end();
  f.keeper.forget_all();  // all are dead
  f.options.handlers[0].queue = {};
  f.begin();
  REQUIRE(f.wait([&] { return f.delivered() == 10; }));
  CHECK(f.line().tally.matched == 10);
  REQUIRE(f.wait([&] { return !f.has_files(); }));
}

TEST_CASE("a stop delivers what is in queues, and leaves no file") {
  QueuesFixture f;
  f.begin();
  f.send_all(0, 200);
  f.want_stop();
  REQUIRE(f.wait([&] { return f.hub->has_stopped(); }));
  CHECK(f.delivered() == 200);
  CHECK_FALSE(f.has_files());
}

TEST_CASE("a list of handlers counts what waits in queues on disk, and its age is known") {
  QueuesFixture f;
  f.begin();
  REQUIRE(f.hub->answer("handler hold out"));
  f.send_all(0, 20);
  REQUIRE(f.wait([&] { return f.hub->queues()[0].waiting == 20; }));
  CHECK(f.hub->answer("handler list") == "out\theld\t20\t20\theld by a person\n");
  CHECK(f.hub->account(worker::Hub::InFlight::left).lines.at(0).oldest);
  REQUIRE(f.hub->answer("handler retry out"));
  CHECK(f.wait([&] { return f.delivered() == 20; }));
}
