// SPDX-License-Identifier: Apache-2.0
#include "control/glance.h"

#include <catch2/catch.hpp>
#include <chrono>

#include "base/failure.h"

using namespace standpipe;
using namespace std::chrono_literals;
using control::Glance;

namespace {

Glance glance() {
  Glance g;
  g.file = "orders.yaml";
  g.began = 1'714'564'800s;
  g.loaded = 1'714'564'900s;
  g.written = 1'714'564'700s;
  g.restarts = 2;
  g.at = 12'345ns;
  g.sources.push_back({"in", 10, 3, 1});
  g.deliveries.push_back({"in", "out", 8, 1, 1, 2, 1, 2});
  g.deliveries.push_back({"in", "late", 8, 1, 1, 2, 1, 2, 1500ms, {{400us, 38ms}}});
  g.dropped.push_back({"queue_full", 2});
  g.notes.push_back("handler out is held: a\tb\nc");
  return g;
}

}  // namespace

TEST_CASE("what one writes the other reads") {
  const auto read = Glance::parse(glance().text());
  CHECK(read.text() == glance().text());
  CHECK(read.file == "orders.yaml");
  CHECK((read.began == 1'714'564'800s && read.loaded == 1'714'564'900s));
  CHECK((read.written == 1'714'564'700s && read.restarts == 2 && read.at == 12'345ns));
  REQUIRE((read.sources.size() == 1 && read.deliveries.size() == 2 && read.dropped.size() == 1));
  CHECK(read.sources[0].unmatched_taken == 1);
  CHECK(read.deliveries[0].in_flight() == 3);
  CHECK((!read.deliveries[0].age && read.deliveries[1].age == 1500ms));
  CHECK_FALSE(read.deliveries[0].latency);
  REQUIRE(read.deliveries[1].latency);
  CHECK((read.deliveries[1].latency->p50 == 400us && read.deliveries[1].latency->p99 == 38ms));
  CHECK(read.notes == std::vector<std::string>{"handler out is held: a b c"});
}

TEST_CASE("a file that is gone has no time") {
  auto g = glance();
  g.written.reset();
  CHECK_FALSE(Glance::parse(g.text()).written);
  CHECK(Glance::parse(g.text()).restarts == 2);
}

TEST_CASE("an older hub says nothing of how long messages took") {
  const auto read = Glance::parse("hub\tx\t1\t1\t\t0\ndelivery\tin\tout\t8\t1\t1\t2\t1\t2\t7\n");
  REQUIRE(read.deliveries.size() == 1);
  CHECK(read.deliveries[0].age == 7ms);
  CHECK_FALSE(read.deliveries[0].latency);
}

TEST_CASE("what a newer hub adds is skipped") {
  auto text = glance().text();
  text.insert(text.find("source\tin") + std::string("source\tin\t10\t3\t1").size(), "\t99");
  CHECK(Glance::parse("weather\tfine\n" + text).text() == glance().text());
}

TEST_CASE("what is no glance is a failure") {
  for (const auto* wrong : {"", "hub", "hub\tx\t1\t1\t\n", "source\tin\t1\t2\n",
                            "hub\tx\t1\t1\t\t0\nat\tsoon\n", "hub\tx\t1\t-1\t\t0\n"})
    CHECK_THROWS_AS(Glance::parse(wrong), Failure);
}
