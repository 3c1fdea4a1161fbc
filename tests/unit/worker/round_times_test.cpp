// SPDX-License-Identifier: Apache-2.0
#include "worker/round_times.h"

#include <catch2/catch.hpp>

using namespace standpipe;
using namespace std::chrono_literals;

TEST_CASE("the longest round is remembered, with its end") {
  worker::RoundTimes rounds;
  rounds.end(9s);  // none had begun
  CHECK(rounds.longest().took == 0s);
  rounds.begin(10s);
  rounds.end(11s);
  rounds.begin(20s);
  rounds.begin(22s);  // goes on
  rounds.end(23s);
  rounds.begin(30s);
  rounds.end(31s);
  CHECK(rounds.longest().took == 3s);
  CHECK(rounds.longest().ended == 23s);
}
