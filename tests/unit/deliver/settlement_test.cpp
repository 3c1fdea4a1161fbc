// SPDX-License-Identifier: Apache-2.0
#include "deliver/settlement.h"

#include <catch2/catch.hpp>
#include <string_view>

#include "deliver/one_handler.h"

using namespace standpipe;
using namespace std::chrono_literals;
using deliver::Suspicion;

namespace {

// Five messages with a plugin, which answers: D delivered, R retry, J reject, F filtered, S send.
// What it leaves out it did not process.
class Fixture : public test::OneHandler {
 public:
  Fixture() : OneHandler({"a", "b", "c", "d", "e"}) {}
  auto settle(std::string_view outcomes, std::uint32_t code = STANDPIPE_OK) {
    const plugin::Answer answer{code, "db down"};
    return settlement.settle(told(outcomes, answer));
  }
  deliver::Outcomes told(std::string_view outcomes, const plugin::Answer& answer) {
    for (std::size_t i = 0; i < outcomes.size(); ++i)
      flight.outcomes[i] = static_cast<std::uint8_t>(std::string_view("DRJFS").find(outcomes[i]));
    flight.result.at = static_cast<std::uint32_t>(outcomes.size());
    flight.result.output = 1;
    return {batch, flight, answer, 1s};
  }

  deliver::Flight flight{};
  deliver::HandlerNeeds its_needs = needs(clock, one.memory);
  std::string name = "it";
  deliver::PluginHost host{name, its_needs};
  deliver::Blame blame{one.memory, options, 0};
  deliver::Settlement settlement{options, its_needs, host, blame};
};

}  // namespace

TEST_CASE("each outcome is counted, and a batch is final when all of them are") {
  Fixture f;
  CHECK_FALSE(f.settle("DFFJD"));
  CHECK(f.tally().delivered == 2);
  CHECK(f.tally().filtered == 2);
  CHECK(f.tally().dead_lettered == 1);
  CHECK_FALSE(f.delivery().has_open());
  CHECK(f.one.memory.pending());  // the caller commits
}

TEST_CASE("what failed is redelivered after a pause, as its next attempt, and that is returned") {
  Fixture f;
  const auto retry = f.settle("DRRDD");
  REQUIRE(retry);
  CHECK(retry->reason == "db down");
  CHECK(retry->due == 1s + f.options.pause(1, 1s));
  REQUIRE(f.delivery().redeliveries().size() == 1);
  CHECK(f.delivery().redeliveries().front().attempt == 2);
  CHECK(f.delivery().redeliveries().front().range.count == 2);
}

TEST_CASE("what is rejected in the place of a plugin that is no more has that as its reason") {
  Fixture f;
  f.options.departed = true;
  CHECK_FALSE(f.settle("JJJJJ"));
  CHECK(f.tally().dead_by[4] == 5);  // shutdown
  CHECK(f.dead_lettered.size() == 5);
  CHECK(f.dead_lettered.front() == "1 the configuration no longer has it");
}

TEST_CASE("a message is dead-lettered when its last attempt fails") {
  Fixture f;
  f.options.attempts_max = 1;
  CHECK_FALSE(f.settle("DDRDD"));
  CHECK(f.dead_lettered == std::vector<std::string>{"3 db down"});
  CHECK(f.delivery().redeliveries().empty());
}

TEST_CASE("what is sent to an output that there is not failed") {
  Fixture f;
  CHECK(f.settle("DDDDS"));
  CHECK(f.delivery().redeliveries().size() == 1);
}

TEST_CASE("what was not processed is taken back to where it was, and no attempt is counted") {
  Fixture f;
  f.settle("DD", STANDPIPE_DISCONNECTED);
  CHECK(f.delivery().next().sequence.number == 3);
  CHECK(f.delivery().redeliveries().empty());
}

TEST_CASE(
    "a batch of which nothing was processed, though the answer is OK, comes again after a pause") {
  Fixture f;
  f.settle("");
  CHECK(f.delivery().redelivery_due == 1s + f.options.pause(1, 1s));
  CHECK(f.delivery().redeliveries().front().attempt == 1);
}

TEST_CASE("what a plugin had settled before it died is all that is settled then") {
  Fixture f;
  f.blame.count_dead_letter();
  const auto before = f.one.memory.shared().progress;
  f.settlement.settle_before_death(f.told("DF", {}));
  CHECK(f.tally().delivered == 1);
  CHECK(f.tally().filtered == 1);
  CHECK(f.delivery().open().front().count == 3);
  CHECK(f.delivery().redeliveries().empty());
  CHECK(f.one.memory.shared().progress > before);
}

TEST_CASE("what failed and is too old is not tried again, and what was rejected stays rejected") {
  Fixture f;
  f.options.age_max = 1h;
  f.clock.now = 2h;
  CHECK_FALSE(f.settle("DRJRD"));
  CHECK(f.dead_lettered.size() == 3);
  CHECK(f.dead_lettered[0].starts_with("2 it is older than 1h: "));
  CHECK(f.dead_lettered[2] == "4 it is older than 1h: db down");
  CHECK(f.tally().dead_by[0] == 1);
  CHECK(f.tally().dead_by[5] == 2);
  CHECK(f.tally().delivered == 2);
  CHECK(f.delivery().redeliveries().empty());
}

TEST_CASE("letters are begun before a batch is settled, and are not written again with it") {
  Fixture f;
  const plugin::Answer answer{STANDPIPE_OK, "db down"};
  const auto outcomes = f.told("DJDDD", answer);
  CHECK_FALSE(f.settlement.begin_letters(outcomes, [] {}));  // this sink writes at once
  CHECK(f.dead_lettered.size() == 1);
  CHECK(f.tally().settled() == 0);
  (void)f.settlement.settle(outcomes);
  CHECK(f.dead_lettered.size() == 1);
  CHECK(f.tally().dead_lettered == 1);
  CHECK(f.tally().delivered == 4);
}

TEST_CASE("a plugin that says that all is well and settles nothing is reported, and has a reason") {
  Fixture f;
  const auto calls = [&](int count, std::string_view outcomes) {
    std::optional<deliver::Settlement::Retry> retry;
    for (int i = 0; i < count; ++i) {
      retry = f.settle(outcomes);
      if (f.delivery().redeliveries().size() > 0)
        f.batch.fill_redelivery(f.delivery());
      else
        f.batch.fill_next(f.delivery());
    }
    return retry;
  };
  CHECK_FALSE(calls(2, ""));
  CHECK(f.quiet.reported.empty());
  const auto retry = calls(1, "");
  REQUIRE(retry);
  CHECK(retry->reason ==
        "its plugin answers OK and settles none of its messages (`at` is 0), 3 times in a row");
  CHECK(retry->due == 1s + f.options.pause(1, 1s));
  CHECK(f.quiet.reported ==
        std::vector<std::string>{"it: " + retry->reason + ", so they are given to it for ever"});
  CHECK_FALSE(calls(1, "D"));  // it goes on
  CHECK_FALSE(calls(2, ""));
}
