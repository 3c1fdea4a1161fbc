// SPDX-License-Identifier: Apache-2.0
#include "worker/intake_reports.h"

#include <catch2/catch.hpp>

#include "worker/fifo_sources.h"

using namespace standpipe;
using namespace test;

namespace {

struct Fixture {
  explicit Fixture(bool warns) : reports("in", warns, clock, reporter) {}
  std::size_t said() const { return reporter.reported.size(); }

  SettableClock clock;
  Listening reporter;
  worker::IntakeReports reports;
};

}  // namespace

TEST_CASE("what no route wants is reported, unless the configuration says that it is meant") {
  Fixture f(true);
  f.reports.unmatched(1);
  f.reports.unmatched(3);
  REQUIRE(f.said() == 2);
  CHECK(f.reporter.reported[0].message ==
        "in: 1 message matched no route and was dropped (no_route)");
  CHECK(f.reporter.reported[1].message ==
        "in: 3 messages matched no route and were dropped (no_route)");
  Fixture meant(false);
  meant.reports.unmatched(1);
  CHECK(meant.said() == 0);
}

TEST_CASE("many reports of one kind leave room for the others") {
  Fixture f(true);
  for (int i = 0; i < 100; ++i) f.reports.unmatched(1);
  const auto said = f.said();
  CHECK(said < 100);
  f.reports.left_patterns(2, match::PatternCost());
  CHECK(f.said() == said + 1);
  std::uint64_t left_out = 0;
  CHECK(f.reports.may_say_fault(left_out));
  CHECK(left_out == 0);
}

TEST_CASE("of faults that are left out the next report says how many they were") {
  Fixture f(true);
  std::uint64_t left_out = 0;
  while (f.reports.may_say_fault(left_out)) {
  }
  CHECK_FALSE(f.reports.may_say_fault(left_out));
  f.clock.now += std::chrono::seconds(11);
  REQUIRE(f.reports.may_say_fault(left_out));
  CHECK(left_out == 2);
}
