// SPDX-License-Identifier: Apache-2.0
#include "base/throttle.h"

#include <catch2/catch.hpp>

using namespace standpipe;
using namespace std::chrono_literals;

TEST_CASE(
    "five are reported at once, and then one when ten seconds have passed, with the number left "
    "out") {
  Throttle throttle;
  std::uint64_t left_out = 7;
  for (int i = 0; i < 5; ++i) {
    CHECK(throttle.allow(1s, left_out));
    CHECK(left_out == 0);
  }
  for (int i = 0; i < 3; ++i) CHECK_FALSE(throttle.allow(2s, left_out));
  CHECK_FALSE(throttle.allow(11s - 1ns, left_out));
  CHECK(throttle.allow(11s, left_out));
  CHECK(left_out == 4);
}

TEST_CASE("who was silent for ten seconds has five at once again, and nothing left out") {
  Throttle throttle;
  std::uint64_t left_out = 0;
  for (int i = 0; i < 5; ++i) CHECK(throttle.allow(0s, left_out));
  for (int i = 0; i < 5; ++i) CHECK(throttle.allow(20s, left_out));
  CHECK(left_out == 0);
  CHECK_FALSE(throttle.allow(20s, left_out));
}
