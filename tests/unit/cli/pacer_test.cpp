// SPDX-License-Identifier: Apache-2.0
#include "cli/pacer.h"

#include <catch2/catch.hpp>

using namespace standpipe;
using namespace standpipe::cli;
using namespace std::chrono_literals;

TEST_CASE("a rate spreads messages, and a stall is not made up for") {
  Pacer pacer(10.0);
  CHECK(pacer.next(5s) == Nanoseconds(5s));
  CHECK(pacer.next(5s) == Nanoseconds(5100ms));
  CHECK(pacer.next(5200ms) == Nanoseconds(5200ms));
  CHECK(pacer.next(60s) == Nanoseconds(59900ms));  // one at once
  CHECK(pacer.next(60s) == Nanoseconds(60s));
  CHECK(pacer.next(60s) == Nanoseconds(60100ms));
  CHECK(Pacer(std::nullopt).next(7s) == Nanoseconds(7s));
}
