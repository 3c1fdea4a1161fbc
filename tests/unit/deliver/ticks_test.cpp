// SPDX-License-Identifier: Apache-2.0
#include "deliver/ticks.h"

#include <catch2/catch.hpp>
#include <chrono>

using namespace standpipe;
using namespace std::chrono_literals;
using deliver::Ticks;

namespace {

std::uint64_t ns(Nanoseconds time) { return static_cast<std::uint64_t>(time.count()); }

}  // namespace

TEST_CASE("the first tick follows open, and the next one comes when the last one said") {
  Ticks ticks;
  CHECK(ticks.at() == 0s);
  ticks.begins();
  ticks.came_back(5s, ns(8s));
  CHECK(ticks.at() == 8s);
  ticks.came_back(8s, ns(2s));  // in the past
  CHECK(ticks.at() == 8s + Ticks::kLeast);
  ticks.came_back(9s, UINT64_MAX);
  CHECK(ticks.at() == Nanoseconds::max());
  ticks.opened();
  CHECK(ticks.at() == 0s);
}

TEST_CASE("a plugin that asks gets a tick at once, but never two in a moment") {
  Ticks ticks;
  ticks.begins();
  ticks.came_back(5s, UINT64_MAX);
  ticks.wake(7s);
  CHECK(ticks.at() == 7s);
  ticks.begins();
  ticks.came_back(7s, UINT64_MAX);
  ticks.wake(7s);
  CHECK(ticks.at() == 7s + Ticks::kLeast);
}

TEST_CASE("what asks while a tick is in progress gets another one") {
  Ticks ticks;
  ticks.begins();
  ticks.wake(5s);
  ticks.came_back(6s, UINT64_MAX);
  CHECK(ticks.at() == 6s + Ticks::kLeast);
  ticks.begins();
  ticks.came_back(7s, ns(9s));
  CHECK(ticks.at() == 9s);
}
