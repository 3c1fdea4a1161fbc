// SPDX-License-Identifier: Apache-2.0
#include "deliver/next_batch.h"

#include <catch2/catch.hpp>
#include <optional>
#include <vector>

#include "deliver/sending_all.h"

using namespace standpipe;
using namespace std::chrono_literals;

namespace {

// A handler with two deliveries of one log, "ring" and "other". Verbs: append_all, redeliver, fill.
class NextBatchFixture : public test::SendingAll {
 public:
  void append_all(int messages) {
    for (int i = 0; i < messages; ++i) append("x", 0b11);
  }
  // The next one, as after a call that did not settle it.
  void redeliver(Nanoseconds due, deliver::Suspicion suspicion = deliver::Suspicion::none) {
    its.redeliver({.range = give_out(1), .suspect = suspicion}, due);
    memory.commit();
  }
  bool fill(Nanoseconds now = 1s) {
    waiting = {};
    const bool filled = next().fill(now, waiting);
    memory.commit();
    return filled;
  }
  deliver::NextBatch& next() {
    if (!next_)
      next_.emplace(options, its_needs, ring, in_hand_, [this](bool alone) {
        asked.push_back(alone);
        waiting.for_turn = !admits;
        return admits;
      });
    return *next_;
  }
  const deliver::Batch& batch() { return next().batch(); }
  void release() override { ++releases; }

  deliver::Delivery& other =
      ring.add(std::make_unique<deliver::Delivery>("in", "other", 2, log, 1));
  deliver::Waiting waiting;
  bool admits = true;
  std::vector<bool> asked;  // whether alone
  int releases = 0;

 private:
  deliver::InHand in_hand_{options, host, taken};
  std::optional<deliver::NextBatch> next_;
};

}  // namespace

TEST_CASE_METHOD(NextBatchFixture, "deliveries have their turns, so that none keeps another") {
  options.timeout = 10s;  // one message at first
  append_all(3);
  REQUIRE(fill());
  CHECK(&batch().delivery() == &its);
  CHECK(batch().count() == 1);
  REQUIRE(fill());
  CHECK(&batch().delivery() == &other);
  REQUIRE(fill());
  CHECK(&batch().delivery() == &its);
}

TEST_CASE_METHOD(NextBatchFixture, "a batch grows while calls are quick, and a death shrinks it") {
  options.timeout = 10s;
  append_all(100);
  for (const std::uint32_t size : {1U, 2U, 4U}) {
    REQUIRE(fill());
    CHECK(batch().count() == size);
    next().took(1ms);
  }
  next().died();
  REQUIRE(fill());
  CHECK(batch().count() == 1);
}

TEST_CASE_METHOD(NextBatchFixture, "what is to be redelivered comes before what is new") {
  append_all(3);
  redeliver(5s);
  CHECK(fill(4s));  // the other one's
  CHECK(&batch().delivery() == &other);
  CHECK_FALSE(fill(4s));  // what is new waits for it
  CHECK(waiting.until == 5s);
  REQUIRE(fill(5s));
  CHECK(batch().count() == 1);
  REQUIRE(fill(5s));
  CHECK(batch().count() == 2);
}

TEST_CASE_METHOD(NextBatchFixture, "a message that is suspected is given alone") {
  append_all(1);
  redeliver(0s, deliver::Suspicion::alone);
  REQUIRE(fill());
  CHECK(asked == std::vector{true});
}

TEST_CASE_METHOD(NextBatchFixture, "while no call is admitted nothing is given out") {
  append_all(1);
  admits = false;
  CHECK_FALSE(fill());
  CHECK(waiting.for_turn);
  CHECK(asked.size() == 1);  // one delivery was asked for, and no other
  CHECK_FALSE(its.has_open());
}

TEST_CASE_METHOD(NextBatchFixture, "what is for others is passed, and no call is kept for it") {
  append("x", 0);
  const auto before = settlements;
  CHECK_FALSE(fill());
  CHECK(releases == static_cast<int>(asked.size()));
  CHECK(settlements > before);  // its log can be trimmed
}

TEST_CASE_METHOD(NextBatchFixture, "the next message alone is taken for who skips it") {
  append_all(2);
  REQUIRE(next().fill_one(its));
  CHECK(batch().count() == 1);
  const auto first = batch().sequence(0);
  its.redeliver({.range = batch().range(0, 1)}, 1h);
  memory.commit();
  REQUIRE(next().fill_one(its));  // due or not
  CHECK(batch().sequence(0) == first);
  REQUIRE(next().fill_one(its));
  CHECK(batch().sequence(0) == first + 1);
  CHECK_FALSE(next().fill_one(its));
}
