// SPDX-License-Identifier: Apache-2.0
#include "deliver/latency.h"

#include <catch2/catch.hpp>
#include <chrono>

using namespace standpipe;
using namespace std::chrono_literals;
using deliver::Latency;

namespace {

constexpr Nanoseconds kNow = 1'714'564'800s;

}  // namespace

TEST_CASE("a percentile is at most an eighth above the time that was added") {
  for (auto took = 1'000ns; took < 30'000s; took = took * 3 / 2 + 7ns) {
    Latency latency;
    latency.add(took, 3, kNow);
    const auto found = latency.percentiles(kNow);
    REQUIRE(found);
    INFO(took.count() << " ns, found " << found->p50.count());
    CHECK(found->p50 > took);
    CHECK(found->p50 <= took + took / 8 + 1025ns);
    CHECK(found->p99 == found->p50);
  }
}

TEST_CASE("what is below a microsecond, and what is beyond all, has a bucket, too") {
  Latency latency;
  latency.add(-5s, 1, kNow);
  latency.add(0ns, 1, kNow);
  CHECK(latency.percentiles(kNow)->p99 == 1024ns);
  latency.add(Nanoseconds::max(), 100, kNow);
  CHECK(latency.percentiles(kNow)->p99 > 9h);
}

TEST_CASE("messages count, and not how often something was added") {
  Latency latency;
  latency.add(1ms, 990, kNow);
  for (int i = 0; i < 9; ++i) latency.add(1s, 1, kNow);
  CHECK(latency.percentiles(kNow)->p50 < 2ms);
  CHECK(latency.percentiles(kNow)->p99 < 2ms);
  latency.add(1s, 2, kNow);  // 1,001, of which 11 took long
  CHECK(latency.percentiles(kNow)->p50 < 2ms);
  CHECK(latency.percentiles(kNow)->p99 > 1s);
}

TEST_CASE("what is older than two spans is forgotten, and no more than one span is") {
  Latency latency;
  CHECK_FALSE(latency.percentiles(kNow));
  latency.add(1s, 1, kNow);
  CHECK(latency.percentiles(kNow + 19s));
  CHECK_FALSE(latency.percentiles(kNow + 20s));
  latency.add(1ms, 1'000, kNow + 12s);
  CHECK(latency.percentiles(kNow + 12s)->p50 < 2ms);
  latency.add(1s, 500, kNow + 19s);
  latency.add(1ms, 1, kNow + 29s);  // the span that began at 20 s
  CHECK(latency.percentiles(kNow + 29s)->p99 > 1s);
  latency.add(1ms, 1, kNow + 41s);
  CHECK(latency.percentiles(kNow + 41s)->p99 < 2ms);
}

TEST_CASE("a clock that is set back begins anew") {
  Latency latency;
  latency.add(1s, 1'000, kNow);
  latency.add(1ms, 1, kNow - 1h);
  CHECK(latency.percentiles(kNow - 1h)->p99 < 2ms);
}
