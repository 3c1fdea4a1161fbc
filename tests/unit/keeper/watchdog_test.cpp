// SPDX-License-Identifier: Apache-2.0
#include "keeper/watchdog.h"

#include <catch2/catch.hpp>

using namespace standpipe;
using namespace standpipe::keeper;
using namespace std::chrono_literals;

namespace {

// Looks whenever the watchdog wants to, until then. Returns how often it asked.
int wait(Watchdog& dog, Nanoseconds& now, Nanoseconds until, bool answers) {
  int asked = 0;
  while (*dog.next() <= until) {
    now = std::max(now, *dog.next());
    if (!dog.poll(now)) continue;
    ++asked;
    if (answers) dog.answered();
  }
  now = until;
  return asked;
}

}  // namespace

TEST_CASE("nobody is asked when nobody wants to know") {
  Watchdog dog;
  CHECK_FALSE(dog.next());
  CHECK_FALSE(dog.poll(10s));
  CHECK_FALSE(dog.overdue());
}

TEST_CASE("a worker is asked four times in the manager's time") {
  Watchdog dog(40s);
  Nanoseconds now = 100s;
  CHECK(wait(dog, now, now + 395s, true) == 40);
  CHECK_FALSE(dog.overdue());
}

TEST_CASE("silence for half of the time is standing still") {
  Watchdog dog(40s);
  Nanoseconds now = 100s;
  CHECK(wait(dog, now, now + 19s, false) == 1);
  CHECK_FALSE(dog.overdue());
  wait(dog, now, now + 1s, false);
  CHECK(dog.overdue());
  dog.answered();
  CHECK_FALSE(dog.overdue());
}

TEST_CASE("a machine that slept is not standing still") {
  Watchdog dog(40s);
  Nanoseconds now = 100s;
  wait(dog, now, now + 6s, false);
  now += 3600s;
  dog.poll(now);
  CHECK_FALSE(dog.overdue());
  CHECK(dog.silence() == 10s);
}

TEST_CASE("a new worker is asked anew") {
  Watchdog dog(40s);
  Nanoseconds now = 100s;
  wait(dog, now, now + 15s, false);
  dog.restart();
  CHECK(wait(dog, now, now + 10s, false) == 1);
  CHECK_FALSE(dog.overdue());
}
