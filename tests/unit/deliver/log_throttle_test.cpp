// SPDX-License-Identifier: Apache-2.0
#include "deliver/log_throttle.h"

#include <catch2/catch.hpp>

using namespace standpipe;
using namespace std::chrono_literals;
using deliver::LogThrottle;

namespace {

std::uint64_t allowed(LogThrottle& throttle, std::size_t level, std::uint64_t lines,
                      std::size_t bytes, Nanoseconds now) {
  std::uint64_t count = 0;
  while (lines-- > 0) count += throttle.allow(level, bytes, now);
  return count;
}

}  // namespace

TEST_CASE("so many lines of a level are reported in each window, and the others are counted") {
  LogThrottle throttle;
  CHECK(allowed(throttle, 2, 100'000, 10, 1s) == LogThrottle::kLines);
  CHECK(throttle.take_left_out(2s) == 0);  // the window is not over
  CHECK(throttle.take_left_out(11s) == 100'000 - LogThrottle::kLines);
  CHECK(throttle.take_left_out(11s) == 0);
  CHECK(allowed(throttle, 2, 1000, 10, 11s) == LogThrottle::kLines);
}

TEST_CASE("what was left out is counted also where the next window has begun before it was asked") {
  LogThrottle throttle;
  allowed(throttle, 1, LogThrottle::kLines + 7, 10, 1s);
  CHECK(throttle.allow(1, 10, 20s));
  CHECK(throttle.take_left_out(20s) == 7);
}

TEST_CASE("at the end all that was left out is counted, also in a window that is not over") {
  LogThrottle throttle;
  allowed(throttle, 1, LogThrottle::kLines + 7, 10, 1s);
  CHECK(throttle.take_left_out(2s) == 0);
  CHECK(throttle.take_left_out(Nanoseconds::max()) == 7);
}

TEST_CASE("an error is reported after a flood of information") {
  LogThrottle throttle;
  allowed(throttle, 2, 100'000, 10, 1s);
  CHECK(throttle.allow(0, 10, 1s));
}

TEST_CASE("long lines are bounded by their bytes, and one that is longer than that is reported") {
  LogThrottle throttle;
  CHECK(allowed(throttle, 0, 100, 16 * 1024, 1s) == 4);
  CHECK(throttle.allow(1, 1 << 20, 1s));
  CHECK_FALSE(throttle.allow(1, 1, 1s));
}
