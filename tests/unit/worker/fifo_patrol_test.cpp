// SPDX-License-Identifier: Apache-2.0
#include "worker/fifo_patrol.h"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using standpipe::worker::FifoPatrol;

TEST_CASE("names are looked up every few seconds, and more seldom where that takes long") {
  CHECK(FifoPatrol::pause_after(10us) == FifoPatrol::kEach);
  CHECK(FifoPatrol::pause_after(3ms) == 6s);
  CHECK(FifoPatrol::pause_after(10s) == FifoPatrol::kMost);
}
