// SPDX-License-Identifier: Apache-2.0
#include "worker/source_gates.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "worker/hub_kit.h"

using namespace standpipe;
using namespace std::chrono_literals;

namespace {

class Fixture : public test::HubKit {
 public:
  unsigned mode() const {
    struct stat st {};
    REQUIRE(::stat(options.sources[0].path.c_str(), &st) == 0);
    return st.st_mode & 07777;
  }
  // A message waits for its retry when the stop begins, so that the stop is not over at once.
  void begin_stop() {
    plugin.script = {"R"};
    options.handlers[0].backoff_initial = 1s;
    begin();
    send("one");
    REQUIRE(until([&] { return plugin.seen.size() == 1; }));
    want_stop();
    REQUIRE(until([&] { return reported("stopping: "); }));
  }
};

}  // namespace

TEST_CASE(
    "while a hub stops its FIFOs are closed to new openings, and then they are as they were") {
  Fixture f;
  f.begin_stop();
  CHECK(f.mode() == 0);
  f.hub->run();
  CHECK(f.mode() == 0600);
  CHECK_FALSE(std::filesystem::exists(f.folder / "data/stopped"));
}

TEST_CASE("the hub after one that was killed while it stopped gives its FIFOs their mode again") {
  Fixture f;
  f.begin();
  REQUIRE(::chmod(f.options.sources[0].path.c_str(), 0640) == 0);  // a person has chosen that
  f.begin_stop();
  CHECK(f.mode() == 0);
  f.end();
  f.keeper.forget_all();
  f.begin();
  CHECK(f.mode() == 0640);
  CHECK_FALSE(f.reported("its mode is the configured one now"));
}

TEST_CASE(
    "a closed FIFO that no hub has left a note of gets the configured mode, which is reported") {
  Fixture f;
  f.begin_stop();
  f.end();
  f.keeper.forget_all();
  std::filesystem::remove(f.folder / "data/stopped");
  f.begin();
  CHECK(f.mode() == 0600);
  CHECK(f.reported("its mode is the configured one now"));
}

TEST_CASE("what is written to a FIFO while the hub stops is saved with the rest") {
  Fixture f;
  f.options.drain_timeout = 50ms;
  f.begin_stop();
  f.send("two");
  f.hub->run();
  CHECK(f.hub->account().spilled + f.delivered() == 2);
  CHECK(f.hub->account().lost_at_stop() == 0);
}
