// SPDX-License-Identifier: Apache-2.0
#include "deliver/dead_lettering.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "deliver/one_handler.h"

using namespace standpipe;
using namespace std::chrono_literals;
using deliver::DeadLettering;
using deliver::Reason;

namespace {

class Fixture : public test::OneHandler {
 public:
  Fixture() : OneHandler({"a", "b", "c"}) {}

  deliver::HandlerNeeds its_needs = needs(clock, one.memory);
  DeadLettering letters{options, its_needs};
};

using Seen = std::vector<std::string>;
using Failed = DeadLettering::Failed;

}  // namespace

TEST_CASE("letters are written at once, and their messages are counted by their reason") {
  Fixture f;
  const std::vector<Failed> runs{{0, 1, Reason::rejected, "bad"},
                                 {1, 3, Reason::retries_exhausted, "db down"}};
  CHECK(f.letters.write(f.batch, runs, 1s));
  CHECK(f.puts == std::vector<std::size_t>{3});
  CHECK(f.dead_lettered == Seen{"1 bad", "2 db down", "3 db down"});
  CHECK(f.tally().dead_lettered == 0);
  for (const auto& run : runs) f.letters.settle_failed(f.batch, run, 1s);
  CHECK(f.tally().dead_lettered == 3);
  CHECK(f.tally().dead_by[1] == 2);  // retries_exhausted
  CHECK(f.one.delivery.in_flight() == 0);
  CHECK(f.quiet.reported ==
        Seen{"it: 1 message of in dead-lettered (rejected): bad",
             "it: 2 messages of in dead-lettered (retries_exhausted): db down"});
}

TEST_CASE(
    "what cannot be kept is redelivered after a pause, as it was, and that is reported once") {
  Fixture f;
  f.disk_is_full = true;
  const Failed run{0, 3, Reason::rejected, "bad"};
  for (int i = 0; i < 2; ++i) CHECK_FALSE(f.letters.write(f.batch, {&run, 1}, 1s));
  f.letters.settle_failed(f.batch, run, 1s);
  CHECK(f.tally().dead_lettered == 0);
  CHECK(f.one.delivery.redeliveries().front().range.count == 3);
  CHECK(f.one.delivery.redelivery_due == 6s);
  CHECK(f.quiet.reported == Seen{"it: no space; 3 messages of in wait until it can be kept"});
}

TEST_CASE("what cannot be kept is a trouble until it can be, or is not tried again") {
  Fixture f;
  const Failed run{0, 3, Reason::rejected, "bad"};
  CHECK_FALSE(f.letters.trouble(1s));
  f.disk_is_full = true;
  CHECK_FALSE(f.letters.write(f.batch, {&run, 1}, 1s));
  CHECK_FALSE(f.letters.write(f.batch, {&run, 1}, 6s));
  REQUIRE(f.letters.trouble(7s));
  CHECK(f.letters.trouble(7s)->why == "no space");
  CHECK(f.letters.trouble(7s)->since == 1s);
  CHECK_FALSE(f.letters.trouble(21s));
  SECTION("there is room again") {
    f.disk_is_full = false;
    CHECK(f.letters.write(f.batch, {&run, 1}, 8s));
  }
  SECTION("none of them fails any more") { CHECK(f.letters.write(f.batch, {}, 8s)); }
  CHECK_FALSE(f.letters.trouble(9s));
}

TEST_CASE("a letter says by which route its message came, unless no route wanted it") {
  struct Routes final : deliver::RouteNames {
    std::string_view route_of(const deliver::Delivery& delivery, std::span<const std::byte> payload,
                              std::span<const std::byte>) override {
      asked += delivery.source() + ' ' +
               std::string(reinterpret_cast<const char*>(payload.data()), payload.size());
      return "by letter";
    }
    std::string asked;
  } routes;
  Fixture f;
  f.its_needs.routes = &routes;
  const std::vector<Failed> runs{{0, 1, Reason::rejected, "bad"}, {1, 2, Reason::no_route, "no"}};
  CHECK(f.letters.write(f.batch, runs, 1s));
  CHECK(f.routes == Seen{"by letter", ""});
  CHECK(routes.asked == "in a");
}

TEST_CASE("where no letters are kept messages are dropped, counted and reported") {
  Fixture f;
  SECTION("no place") { f.keeps_letters = false; }
  SECTION("not wanted") { f.options.dead_letter = false; }
  const Failed run{0, 2, Reason::rejected, "bad"};
  CHECK(f.letters.write(f.batch, {&run, 1}, 1s));
  f.letters.settle_failed(f.batch, run, 1s);
  CHECK(f.puts.empty());
  CHECK(f.tally().dropped[static_cast<std::size_t>(Reason::rejected)] == 2);
  CHECK(f.quiet.reported == Seen{"it: 2 messages of in dropped (rejected): bad"});
}

TEST_CASE("a message that its plugin died of is kept though the handler wants no letters") {
  Fixture f;
  f.options.dead_letter = false;
  CHECK_FALSE(f.letters.write_killer(f.batch, Reason::crashed, "crashed (SIGSEGV)", 3));
  CHECK(f.dead_lettered == Seen{"1 crashed (SIGSEGV)"});
  f.letters.settle_killer(f.batch, Reason::crashed, "crashed (SIGSEGV)", 3);
  CHECK(f.tally().dead_lettered == 1);
  CHECK(f.quiet.reported ==
        Seen{"it: message 1 of in is dead-lettered: its plugin crashed (SIGSEGV) on it 3 times"});
}
