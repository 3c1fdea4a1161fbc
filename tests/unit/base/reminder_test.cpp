// SPDX-License-Identifier: Apache-2.0
#include "base/reminder.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <vector>

using namespace standpipe;
using namespace std::chrono_literals;

TEST_CASE("what continues is reported at once, and then less and less often") {
  Reminder reminder;
  std::vector<Nanoseconds> reported;
  for (Nanoseconds now = 100s; now < 100s + 1h; now += 1s)
    if (reminder.is_due(now)) reported.push_back(now - 100s);
  const std::vector<Nanoseconds> first(reported.begin(), reported.begin() + 6);
  CHECK(first == std::vector<Nanoseconds>{0s, 10s, 30s, 70s, 150s, 310s});
  CHECK(reported.back() - reported[reported.size() - 2] == 10min);
}

TEST_CASE("what has not happened for long is reported at once again") {
  Reminder reminder;
  CHECK(reminder.is_due(1s));
  CHECK_FALSE(reminder.is_due(2s));
  CHECK(reminder.is_due(20min));
  CHECK_FALSE(reminder.is_due(20min + 9s));
  CHECK(reminder.is_due(20min + 10s));
}
