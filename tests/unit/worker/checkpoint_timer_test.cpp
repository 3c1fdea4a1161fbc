// SPDX-License-Identifier: Apache-2.0
#include "worker/checkpoint_timer.h"

#include <catch2/catch.hpp>

#include "worker/loop_kit.h"

using namespace standpipe;
using namespace std::chrono_literals;

namespace {

struct Fixture : test::LoopKit {
  bool is_due() { return round() == "timer " + std::to_string(worker::key(worker::kCheckpoint)); }
  worker::CheckpointTimer timer{loop};
};

}  // namespace

TEST_CASE("where nothing changes no checkpoint is due") {
  Fixture f;
  f.timer.written();
  f.clock.now += 10s;
  CHECK_FALSE(f.is_due());
}

TEST_CASE("a change after a long rest is written at once") {
  Fixture f;
  f.timer.written();
  f.clock.now += 10s;
  CHECK_FALSE(f.is_due());
  f.timer.note_change();
  CHECK(f.is_due());
}

TEST_CASE("many changes are written once a second") {
  Fixture f;
  f.timer.written();
  f.timer.note_change();
  f.clock.now += 999ms;
  f.timer.note_change();
  CHECK_FALSE(f.is_due());
  f.clock.now += 1ms;
  CHECK(f.is_due());
  f.timer.written();
  f.timer.note_change();
  CHECK_FALSE(f.is_due());
  f.clock.now += 1s;
  CHECK(f.is_due());
}
