// SPDX-License-Identifier: Apache-2.0
#include "deliver/waiting.h"

#include <catch2/catch.hpp>

using namespace standpipe;
using namespace std::chrono_literals;

TEST_CASE("of several times the earliest one wakes, and what never comes changes nothing") {
  deliver::Waiting waiting;
  CHECK_FALSE(waiting.until);
  waiting.wake_by(std::nullopt);
  CHECK_FALSE(waiting.until);
  waiting.wake_by(5s);
  waiting.wake_by(9s);
  CHECK(waiting.until == 5s);
  waiting.wake_by(std::nullopt);
  waiting.wake_by(2s);
  CHECK(waiting.until == 2s);
}
