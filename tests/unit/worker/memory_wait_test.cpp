// SPDX-License-Identifier: Apache-2.0
#include "worker/memory_wait.h"

#include <catch2/catch.hpp>

#include "worker/fifo_sources.h"

using namespace standpipe;
using namespace test;

TEST_CASE(
    "a frame that waits for memory is reported after a while, then less and less often, and shown "
    "until it has it") {
  FifoSources f(4 * MiB, 2, 2 * MiB);
  Writer first(f.path(0)), second(f.path(1));
  f.begin_large(first, 0);
  CHECK(f.sources[0]->state().kind == worker::SourceState::Kind::serving);
  f.begin_large(second, 1);
  REQUIRE(f.accept(1) == worker::Turn::full);
  const std::string wait =
      "a frame of 2,097,156 bytes waits for memory: too much of memory_max (4MiB) is held by "
      "others' messages";
  for (int second_from_now = 0; second_from_now < 60; ++second_from_now, f.clock.now += 1s) {
    f.sources[1]->feed.acceptance().memory_wait().remind(f.sources[1]->intake);
    CHECK(f.reporter.reported.empty() == (second_from_now < 10));
    CHECK(f.sources[1]->state().kind == worker::SourceState::Kind::waiting);
    CHECK(f.sources[1]->state().reason == wait);
  }
  REQUIRE(f.reporter.reported.size() == 3);
  CHECK(f.reporter.reported[0].message == "in1: " + wait + "; this source is not read meanwhile");
  CHECK(f.reporter.reported[0].help[0].find("raise memory_max") != std::string::npos);
  f.clock.now += kDribbleMax;
  REQUIRE(f.sources[0]->end_dribble());
  CHECK(f.accept(1) == worker::Turn::idle);
  CHECK(f.sources[1]->state().kind == worker::SourceState::Kind::serving);
}
