// SPDX-License-Identifier: Apache-2.0
#include "deliver/late_settlement.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "deliver/sending_all.h"

using namespace standpipe;
using namespace std::chrono_literals;
using deliver::LateSettlement;

namespace {

// A handler that takes all that it is given. Verbs: take (a batch), say (what the plugin does),
// settle.
class LateFixture : public test::SendingAll {
 public:
  LateFixture() { late.use(ring.all()); }
  std::uint64_t take(std::uint32_t messages, Nanoseconds now = 1s) {
    for (std::uint32_t i = 0; i < messages; ++i) {
      append("x");
      ++its.edit_tally().matched;  // append counted it for the delivery that it knows
    }
    deliver::Batch batch(kBatchMessages, kBatchBytes);
    REQUIRE(batch.fill_next(its));
    REQUIRE(batch.count() == messages);
    batch.give_ticket(++ticket_);
    late.messages().add(batch, 0, messages, messages, now);
    memory.commit();
    return ticket_;
  }
  void say(std::uint64_t ticket, std::uint32_t first, std::uint32_t count, std::uint32_t outcome,
           const std::string& why = "") {
    host.settle(ticket, first, count, outcome, why);
  }
  LateSettlement::Done settle(Nanoseconds now = 1s, std::uint64_t in_call = 0) {
    const auto done = late.settle(now, in_call);
    CHECK_FALSE(memory.pending());
    its.check_invariants();
    return done;
  }
  bool post(const std::shared_ptr<deliver::LetterJob>& letters) override {
    if (!writes_later) return Needs::post(letters);
    job = letters;
    return true;
  }
  const deliver::Tally& counted() const { return its.tally(); }

  bool writes_later = false;
  std::shared_ptr<deliver::LetterJob> job;
  int told = 0;
  LateSettlement late{options, its_needs, host, blame, {}, [this] { ++told; }};

 private:
  std::uint64_t ticket_ = 0;
};

}  // namespace

TEST_CASE_METHOD(LateFixture, "what is taken is settled in any order, and counted by its outcome") {
  const auto ticket = take(5);
  CHECK_FALSE(settle().settled_some);
  say(ticket, 3, 2, STANDPIPE_DELIVERED);
  say(ticket, 0, 1, STANDPIPE_FILTERED);
  const auto done = settle();
  CHECK(done.settled_some);
  CHECK_FALSE(done.has_more);
  CHECK(counted().delivered == 2);
  CHECK(counted().filtered == 1);
  CHECK(late.messages().messages() == 2);
  CHECK(settlements == 2);  // its log can be trimmed
  say(ticket, 1, 2, STANDPIPE_DELIVERED);
  settle();
  CHECK(late.messages().empty());
  CHECK_FALSE(its.has_open());
}

TEST_CASE_METHOD(LateFixture, "what nobody took, or is settled already, is passed over") {
  const auto ticket = take(2);
  say(ticket + 1, 0, 2, STANDPIPE_DELIVERED);
  say(ticket, 0, 1, STANDPIPE_DELIVERED);
  say(ticket, 0, 1, STANDPIPE_FILTERED);
  say(ticket, 2, 9, STANDPIPE_DELIVERED);
  settle();
  CHECK(counted().delivered == 1);
  CHECK(counted().filtered == 0);
  CHECK(late.messages().messages() == 1);
}

TEST_CASE_METHOD(LateFixture, "of a call that has not come back nothing is settled yet") {
  const auto ticket = take(1);
  say(ticket, 0, 1, STANDPIPE_DELIVERED);
  CHECK_FALSE(settle(1s, ticket).settled_some);
  CHECK(late.messages().messages() == 1);
  CHECK(settle().settled_some);
}

TEST_CASE_METHOD(LateFixture, "what is retried comes back after a pause, as its next attempt") {
  const auto ticket = take(3);
  say(ticket, 1, 1, STANDPIPE_RETRY, "db down");
  const auto done = settle();
  REQUIRE(done.retry);
  CHECK(done.retry->reason == "db down");
  REQUIRE(its.redeliveries().size() == 1);
  CHECK(its.redeliveries().front().attempt == 2);
  CHECK(its.redelivery_due > 1s);
  CHECK(late.messages().messages() == 2);
}

TEST_CASE_METHOD(LateFixture,
                 "an outcome that a taken message cannot have is a retry that says so") {
  const auto ticket = take(1);
  say(ticket, 0, 1, STANDPIPE_SEND);
  const auto done = settle();
  REQUIRE(done.retry);
  CHECK(done.retry->reason ==
        "its plugin settled it with outcome 4, which is none of a message that was taken");
}

TEST_CASE_METHOD(LateFixture, "while letters are written nothing else is settled") {
  writes_later = true;
  const auto ticket = take(2);
  say(ticket, 0, 1, STANDPIPE_REJECT, "no such table");
  say(ticket, 1, 1, STANDPIPE_DELIVERED);
  settle();
  CHECK(late.waits_for_letters());
  settle();
  CHECK(counted().delivered == 0);
  CHECK(late.messages().messages() == 2);
  job->finish(write(job->letters));
  CHECK(told == 1);
  settle();
  CHECK_FALSE(late.waits_for_letters());
  CHECK(counted().dead_lettered == 1);
  CHECK(counted().delivered == 1);
  CHECK(dead_lettered == std::vector<std::string>{"1 no such table"});
}

TEST_CASE_METHOD(LateFixture, "what is taken for longer than the timeout has failed") {
  options.timeout = 10s;
  const auto ticket = take(2, 1s);
  (void)ticket;
  CHECK(late.wake_at() == 11s);
  CHECK_FALSE(settle(10s).retry);
  const auto done = settle(11s);
  REQUIRE(done.retry);
  CHECK(done.retry->reason == "its plugin took it and did not settle it within 10s");
  CHECK(late.messages().empty());
  CHECK_FALSE(late.wake_at());
}

TEST_CASE_METHOD(LateFixture, "many small runs are settled in turns, so that others have theirs") {
  std::vector<std::uint64_t> tickets;
  for (int i = 0; i < 2; ++i) tickets.push_back(take(200));
  for (const auto ticket : tickets)
    for (std::uint32_t i = 0; i < 200; i += 1)
      say(ticket, i, 1, i % 2 == 0 ? STANDPIPE_DELIVERED : STANDPIPE_FILTERED);
  CHECK(settle().has_more);
  CHECK(late.messages().messages() >= 400 - LateSettlement::kRunsATurn);
  int turns = 1;
  while (settle().has_more && turns < 100) ++turns;
  CHECK(late.messages().empty());
  CHECK(turns < 10);
}

TEST_CASE_METHOD(LateFixture, "what an instance leaves is redelivered in order, with no attempt") {
  const auto first = take(2);
  take(2);
  say(first, 0, 1, STANDPIPE_DELIVERED);
  settle();
  late.return_all(5s);
  memory.commit();
  CHECK(late.messages().empty());
  REQUIRE(its.redeliveries().size() == 1);  // they follow each other
  CHECK(its.redeliveries().front().range.count == 3);
  CHECK(its.redeliveries().front().attempt == 1);
  its.check_invariants();
}

TEST_CASE_METHOD(LateFixture,
                 "messages that are taken of a delivery that is not there are damage") {
  take(1);
  LateSettlement later(options, its_needs, host, blame, {}, [] {});
  CHECK_THROWS_AS(later.recover(), state::Memory::Damaged);
}

TEST_CASE_METHOD(LateFixture, "an instance that ends while letters are written ends after them") {
  writes_later = true;
  const auto ticket = take(3);
  say(ticket, 0, 1, STANDPIPE_REJECT, "it is bad");
  settle();
  CHECK_FALSE(late.end(1s));
  CHECK(late.is_ending());
  CHECK(late.messages().messages() == 3);
  job->finish(write(job->letters));
  settle();
  CHECK(late.end(1s));
  CHECK_FALSE(late.is_ending());
  CHECK(late.messages().empty());
  CHECK(its.redeliveries().size() == 1);
  memory.commit();
}
