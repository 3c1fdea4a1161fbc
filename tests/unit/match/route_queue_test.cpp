// SPDX-License-Identifier: Apache-2.0
#include "match/route_queue.h"

#include <catch2/catch.hpp>
#include <vector>

using namespace standpipe::match;

namespace {

std::vector<std::size_t> drained(RouteQueue& queue) {
  std::vector<std::size_t> routes;
  for (auto route = queue.first(); route != RouteQueue::kNone; route = queue.first()) {
    routes.push_back(route);
    queue.remove(route);
  }
  return routes;
}

}  // namespace

TEST_CASE("routes come out in their order, once each") {
  RouteQueue queue;
  queue.begin(10'000);
  for (const std::size_t route : {9'999u, 0u, 4'096u, 63u, 64u, 63u}) queue.add(route);
  CHECK(drained(queue) == std::vector<std::size_t>{0, 63, 64, 4'096, 9'999});
  queue.add_word(2, 0b101);
  CHECK(drained(queue) == std::vector<std::size_t>{128, 130});
}

TEST_CASE("what is left of the last message is forgotten, for fewer routes, too") {
  RouteQueue queue;
  queue.begin(10'000);
  for (const std::size_t route : {5u, 70u, 9'999u}) queue.add(route);
  queue.begin(10);
  CHECK(queue.first() == RouteQueue::kNone);
  queue.begin(0);
  CHECK(queue.first() == RouteQueue::kNone);
}
