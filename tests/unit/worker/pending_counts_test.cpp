// SPDX-License-Identifier: Apache-2.0
#include "worker/pending_counts.h"

#include <catch2/catch.hpp>
#include <map>

using namespace standpipe;

namespace {

// Three deliveries; the last is the unmatched handler's. Verbs: add, count, news.
struct Fixture {
  void add(std::uint32_t messages, std::uint64_t set, bool wanted) {
    pending.add(messages, messages * std::size_t{10}, {&set, 1}, wanted);
  }
  worker::PendingCounts::News count() {
    return pending.move_to(
        counters, [this](std::size_t bit, const worker::PendingCounts::OfDelivery& counts) {
          matched_by[bit] += counts.matched;
          dropped_by[bit] += counts.dropped;
        });
  }
  std::vector<std::size_t> news() {
    std::vector<std::size_t> bits;
    pending.collect_news(bits);
    return bits;
  }

  worker::PendingCounts pending{3, 1};
  deliver::SourceCounters counters;
  std::map<std::size_t, std::uint64_t> matched_by, dropped_by;
};

}  // namespace

TEST_CASE("each message is counted once for its source, and once for each delivery") {
  Fixture f;
  f.add(2, 0b011, true);
  f.add(3, 0b010, true);
  CHECK_FALSE(f.pending.empty());
  CHECK(f.counters.accepted == 0);
  CHECK(f.count().no_route == 0);
  CHECK(f.pending.empty());
  CHECK(f.counters.accepted == 5);
  CHECK(f.counters.bytes == 50);
  CHECK(f.counters.matched == 5);
  CHECK(f.matched_by == std::map<std::size_t, std::uint64_t>{{0, 2}, {1, 5}});
}

TEST_CASE("what no route wants goes to the unmatched handler, or to nobody") {
  Fixture f;
  f.add(2, 0b100, false);
  f.add(3, 0, false);
  CHECK(f.count().no_route == 3);
  CHECK(f.counters.unmatched == 5);
  CHECK(f.counters.unmatched_taken == 2);
  CHECK(f.counters.matched == 0);
  CHECK(f.matched_by == std::map<std::size_t, std::uint64_t>{{2, 2}});
}

TEST_CASE("what a route drops on purpose is unmatched, and not reported as without a route") {
  Fixture f;
  f.add(2, 0, true);
  CHECK(f.count().no_route == 0);
  CHECK(f.counters.unmatched == 2);
  CHECK(f.matched_by.empty());
}

TEST_CASE("what was counted is not counted again") {
  Fixture f;
  f.add(1, 0b001, true);
  f.add(1, 0b100, false);
  f.add(1, 0, false);
  f.pending.add({.above_match_max = 1, .too_long_for_patterns = 2});
  const auto news = f.count();
  CHECK(news.no_route == 1);
  CHECK(news.too_long_for_patterns == 2);
  const auto accepted = f.counters.accepted;
  CHECK(f.count().no_route == 0);
  CHECK(f.counters.accepted == accepted);
  CHECK(f.counters.bytes == 30);
  CHECK(f.counters.matched == 1);
  CHECK(f.counters.unmatched == 2);
  CHECK(f.counters.unmatched_taken == 1);
  CHECK(f.counters.above_match_max == 1);
  CHECK(f.counters.too_long_for_patterns == 2);
  CHECK(f.matched_by == std::map<std::size_t, std::uint64_t>{{0, 1}, {2, 1}});
}

TEST_CASE("deliveries that messages came for are told once, whether or not these were counted") {
  Fixture f;
  f.add(1, 0b001, true);
  f.count();
  f.add(1, 0b100, false);
  CHECK(f.news() == std::vector<std::size_t>{0, 2});
  CHECK(f.news().empty());
}
