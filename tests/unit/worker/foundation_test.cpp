// SPDX-License-Identifier: Apache-2.0
#include "worker/foundation.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <optional>

#include "deliver/keeping.h"
#include "worker/loop_kit.h"

using namespace standpipe;
using namespace std::chrono_literals;

namespace {

// Workers that follow each other under one keeper.
class Fixture {
 public:
  Fixture() {
    options.memory_max = 4 * MiB;
    options.sources.push_back({.name = "in", .path = "/nowhere"});
  }
  worker::Foundation& begin() {
    foundation.reset();
    link.reset();
    link.emplace(keeper.start());
    clock.now += 1s;
    return foundation.emplace(options, *link, clock);
  }
  config::HubOptions options;
  test::LoopKit::ManualClock clock;
  test::Keeping keeper;
  std::optional<keeper::Link> link;
  std::optional<worker::Foundation> foundation;
};

}  // namespace

TEST_CASE("a worker that follows has the run, its beginning and the stage of the one before") {
  Fixture f;
  auto& first = f.begin();
  CHECK_FALSE(first.is_recovered());
  const auto run = first.run();
  const auto began = first.began();
  CHECK(run != 0);
  REQUIRE(::write(first.stage().pipe.write_end.get(), "left", 4) == 4);

  auto& second = f.begin();
  CHECK(second.is_recovered());
  CHECK(second.run() == run);
  CHECK(second.began() == began);
  CHECK_FALSE(second.is_saving());
  int left = 0;
  REQUIRE(::ioctl(second.stage().pipe.read_end.get(), FIONREAD, &left) == 0);
  CHECK(left == 4);
}

TEST_CASE("a run that has begun to save is saved by every worker from then on") {
  Fixture f;
  f.begin().begin_saving();
  CHECK(f.begin().is_saving());
}

TEST_CASE("each hub is a run of its own") {
  Fixture f, other;
  CHECK(f.begin().run() != other.begin().run());
}

TEST_CASE("a worker that died before the keeper had both ends of the stage leaves none") {
  Fixture f;
  const auto half = Pipe::make(4096);
  {
    auto link = f.keeper.start();
    const state::Memory memory(
        state::MemoryPlan::with_room({.memory_max = 4 * MiB, .logs = 1, .deliveries = 1}));
    link.keep(state::kMemoryName, memory.fd());
    link.keep("stage-out", half.read_end.get());
  }
  auto& second = f.begin();
  CHECK(second.is_recovered());
  CHECK(second.run() != 0);
  REQUIRE(::write(second.stage().pipe.write_end.get(), "x", 1) == 1);
  char got = 0;
  CHECK(::read(second.stage().pipe.read_end.get(), &got, 1) == 1);
}
