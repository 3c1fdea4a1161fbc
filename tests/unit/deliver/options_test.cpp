// SPDX-License-Identifier: Apache-2.0
#include "deliver/options.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <vector>

using namespace standpipe;
using namespace std::chrono_literals;
using deliver::HandlerOptions;

TEST_CASE("pauses double up to a limit, and none is more than a quarter shorter") {
  HandlerOptions options;
  options.name = "it";
  options.backoff_initial = 200ms;
  options.backoff_max = 3s;
  std::vector<Nanoseconds> longest;
  for (unsigned tries = 1; tries <= 6; ++tries) longest.push_back(options.backoff(tries));
  CHECK(longest == std::vector<Nanoseconds>{200ms, 400ms, 800ms, 1600ms, 3s, 3s});
  CHECK(options.backoff(1'000'000) == 3s);
  for (Nanoseconds now{1}; now < 1h; now = now * 3 + 1ns)
    for (unsigned tries = 1; tries <= 6; ++tries) {
      CHECK(options.pause(tries, now) <= options.backoff(tries));
      CHECK(options.pause(tries, now) > options.backoff(tries) * 3 / 4 - 1ns);
    }
}

TEST_CASE("what failed together is not tried again together") {
  std::set<Nanoseconds> pauses;
  for (int i = 0; i < 100; ++i) {
    HandlerOptions options;
    options.name = "handler " + std::to_string(i);
    pauses.insert(options.pause(5, 7s));
  }
  CHECK(pauses.size() > 90);
  CHECK(*pauses.rbegin() - *pauses.begin() > HandlerOptions().backoff(5) / 5);
  HandlerOptions one;
  one.name = "it";
  CHECK(one.pause(1, 7s) != one.pause(1, 8s));
}

TEST_CASE("a message is too old from its age on, and never where there is no limit") {
  HandlerOptions options;
  CHECK_FALSE(options.is_too_old(0, 10h));
  options.age_max = 1h;
  CHECK_FALSE(options.is_too_old(0, 1h));
  CHECK(options.is_too_old(0, 1h + 1ns));
  CHECK_FALSE(options.is_too_old(2 * 3'600'000'000'000, 1h));  // its clock was ahead
}
