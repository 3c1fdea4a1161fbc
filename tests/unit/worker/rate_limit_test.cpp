// SPDX-License-Identifier: Apache-2.0
#include "worker/rate_limit.h"

#include <catch2/catch.hpp>

using namespace standpipe;
using namespace std::chrono_literals;
using worker::RateLimit;

namespace {

// A source that always has more, of which a turn brings so many messages, until then.
std::uint64_t come(RateLimit& limit, std::uint64_t turn, Nanoseconds& now, Nanoseconds until) {
  std::uint64_t messages = 0;
  while (now < until) {
    if (const auto wait = limit.wait_until(now)) {
      CHECK(*wait > now);
      now = *wait;
      continue;
    }
    messages += turn;
    limit.took(turn);
  }
  return messages;
}

}  // namespace

TEST_CASE("without a limit nothing waits") {
  RateLimit limit(0, 0);
  CHECK_FALSE(limit.limits());
  CHECK_FALSE(limit.wait_until(1s));
  limit.took(1'000'000);
  CHECK_FALSE(limit.wait_until(1s));
  CHECK(limit.most(10, 1000) == SIZE_MAX);
}

TEST_CASE("a burst comes at once, and then as much as the rate lets in") {
  RateLimit limit(100, 50);
  auto now = Nanoseconds(5s);
  CHECK(come(limit, 1, now, 5s + 1ns) == 50);
  CHECK(limit.wait_until(5s));
  now = 5s;
  const auto more = come(limit, 1, now, 15s);
  CHECK(more >= 995);
  CHECK(more <= 1005);
}

TEST_CASE("what a turn brought too much is owed") {
  RateLimit limit(100, 10);
  CHECK_FALSE(limit.wait_until(1s));
  limit.took(210);  // 200 of them are owed
  const auto until = limit.wait_until(1s);
  REQUIRE(until);
  CHECK(*until > 3s);
  CHECK(*until < 3s + 100ms);
  CHECK(limit.wait_until(2s));
  CHECK_FALSE(limit.wait_until(*until));
  auto now = Nanoseconds(10s);
  const auto messages = come(limit, 37, now, 110s);
  CHECK(messages > 9900);
  CHECK(messages < 10'100);
}

TEST_CASE("a quiet time is worth no more than a burst") {
  RateLimit limit(1000, 20);
  auto now = Nanoseconds(1s);
  CHECK(come(limit, 1, now, 1s + 1ns) == 20);
  now = 1h;
  CHECK(come(limit, 1, now, 1h + 1ns) == 20);
}

TEST_CASE("a turn reads about as many bytes as its messages have, and a small write at least") {
  RateLimit limit(1000, 100);
  (void)limit.wait_until(1s);
  CHECK(limit.most(0, 0) == RateLimit::kTurnBytesLeast);
  CHECK(limit.most(10, 10'000) == 100'000);
  CHECK(limit.most(10, 50) == RateLimit::kTurnBytesLeast);
}

TEST_CASE("a fast limit does not wake the loop for each message") {
  RateLimit limit(1'000'000, 1'000'000);
  (void)limit.wait_until(1s);
  limit.took(1'000'000);
  CHECK(limit.wait_until(1s).value() >= 1s + 4ms);
}
