// SPDX-License-Identifier: Apache-2.0
#include "worker/replay_pace.h"

#include <catch2/catch.hpp>

using namespace standpipe;
using namespace std::chrono_literals;
using worker::ReplayPace;

TEST_CASE("without a rate all may come at once") {
  ReplayPace pace;
  CHECK_FALSE(pace.limits());
  CHECK(pace.allowed(1s) == SIZE_MAX);
}

TEST_CASE("messages come an interval apart, however often it is asked") {
  ReplayPace pace(10ms);
  std::size_t came = 0;
  for (Nanoseconds now = 1s; now < 2s; now += 1ms)
    if (const auto most = pace.allowed(now); most > 0) {
      CHECK(most == 1);
      pace.fed(1, now);
      CHECK(pace.ask_again(now) == now + 10ms);
      ++came;
    }
  CHECK(came == 100);
}

TEST_CASE("what comes faster than one looks is allowed together, and asked for at a pause") {
  ReplayPace pace(10us);
  CHECK(pace.allowed(1s) == 1);
  pace.fed(1, 1s);
  CHECK(pace.ask_again(1s) == 1s + 10us);
  CHECK(pace.allowed(1s + 5ms) == 500);
  ReplayPace slow(20ms);
  CHECK(slow.allowed(1s) == 1);
  CHECK(slow.ask_again(1s) == 1s + ReplayPace::kPauseLeast);  // nothing came, so soon again
}

TEST_CASE("of a stall no more than a tenth of a second is made up for") {
  ReplayPace pace(1ms);
  CHECK(pace.allowed(1s) == 1);
  pace.fed(1, 1s);
  CHECK(pace.allowed(60s) == 101);
  pace.fed(101, 60s);
  CHECK(pace.allowed(60s) == 0);
  CHECK(pace.ask_again(60s) == 60s + 1ms);
}

TEST_CASE("what finds no room loses none of its time") {
  ReplayPace pace(10ms);
  CHECK(pace.allowed(1s) == 1);
  pace.fed(0, 1s);
  CHECK(pace.allowed(1s) == 1);
}
