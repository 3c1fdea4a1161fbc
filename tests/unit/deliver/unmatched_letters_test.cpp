// SPDX-License-Identifier: Apache-2.0
#include "deliver/unmatched_letters.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "deliver/needs.h"
#include "deliver/one_delivery.h"

using namespace standpipe;
using namespace std::chrono_literals;

namespace {

// The hub's own handler of what no route wants, with what it rejects.
class UnmatchedFixture : public test::Needs, public test::OneDelivery {
 public:
  UnmatchedFixture() { loop.create(); }
  void run() {
    for (int i = 0; i < 10 && loop.advance(clock.now); ++i) {
    }
  }
  std::optional<Failure> write(std::span<const deliver::DeadLetter> letters) override {
    for (const auto& letter : letters) reasons.push_back(letter.reason);
    return Needs::write(letters);
  }

  test::ManualClock clock;
  std::vector<deliver::Reason> reasons;
  deliver::HandlerLoop loop{deliver::unmatched_letters(), 0, needs(clock, memory)};
  deliver::Delivery& its =
      loop.add(std::make_unique<deliver::Delivery>("in", "dead_letter", 1, log, 0));
};

}  // namespace

TEST_CASE("the handler of what no route wants is the hub's own, and has no other reason") {
  const auto options = deliver::unmatched_letters();
  CHECK(options.is_for_unmatched_letters());
  CHECK(options.name == "dead_letter");
  CHECK(options.where() == deliver::Placement::inline_);
  CHECK_FALSE(deliver::HandlerOptions().is_for_unmatched_letters());
}

TEST_CASE_METHOD(UnmatchedFixture, "whatever it is given becomes a letter that says why") {
  append("a");
  append("b");
  run();
  CHECK(dead_lettered == std::vector<std::string>{"1 no route wants it", "2 no route wants it"});
  CHECK(reasons == std::vector<deliver::Reason>(2, deliver::Reason::no_route));
  CHECK(its.tally().dead_lettered == 2);
  CHECK_FALSE(its.has_open());
}

TEST_CASE_METHOD(UnmatchedFixture, "where letters cannot be written what no route wants waits") {
  disk_is_full = true;
  append("a");
  run();
  CHECK(dead_lettered.empty());
  CHECK(its.tally().dead_lettered == 0);
  CHECK(its.has_open());
  disk_is_full = false;
  for (int i = 0; i < 5 && loop.wake_at(); ++i) {
    clock.now = std::max(clock.now, *loop.wake_at());
    run();
  }
  CHECK(dead_lettered.size() == 1);
}
