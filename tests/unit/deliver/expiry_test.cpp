// SPDX-License-Identifier: Apache-2.0
#include "deliver/expiry.h"

#include <catch2/catch.hpp>
#include <memory>

#include "deliver/one_handler.h"

using namespace standpipe;
using namespace std::chrono_literals;

namespace {

// A handler whose messages may be ten seconds old. Verbs: accept (a message, at a time), find.
class ExpiryFixture : public test::OneDelivery {
 public:
  ExpiryFixture() {
    options.name = "it";
    options.age_max = 10s;
  }
  void accept(const std::string& payload, Nanoseconds wall) {
    time = static_cast<std::uint64_t>(wall.count()) - 1;  // append adds one
    append(payload);
  }
  std::uint32_t find() {
    waiting = {};
    return deliver::Expiry(options, clock).fill(ring, batch, clock.now, waiting);
  }

  test::ManualClock clock;
  deliver::HandlerOptions options;
  deliver::DeliveryRing ring;
  deliver::Delivery& its = ring.add(std::make_unique<deliver::Delivery>("in", "other", 1, log, 0));
  deliver::Batch batch{10, 1000};
  deliver::Waiting waiting;
};

}  // namespace

TEST_CASE_METHOD(ExpiryFixture, "the first messages that are too old are counted, and no others") {
  for (const auto at : {1s, 2s, 9s}) accept("x", at);
  clock.now = 13s;
  CHECK(find() == 2);
  CHECK(batch.count() == 3);
  CHECK(its.has_open());
}

TEST_CASE_METHOD(ExpiryFixture, "what is not too old yet is found as soon as it is") {
  accept("x", 5s);
  clock.now = 14s;
  CHECK(find() == 0);
  CHECK_FALSE(its.has_open());
  REQUIRE(waiting.until);
  CHECK(*waiting.until > 15s);  // no earlier than it is too old
  CHECK(*waiting.until < 15s + 10ms);
  clock.now = *waiting.until;
  CHECK(find() == 1);
}

TEST_CASE_METHOD(ExpiryFixture, "what is to be redelivered comes before what was never given") {
  accept("old", 1s);
  accept("new", 20s);
  REQUIRE(batch.fill_next(its));
  its.redeliver({.range = batch.range(0, 1), .attempt = 3}, 1h);
  clock.now = 21s;
  CHECK(find() == 1);
  CHECK(batch.attempt() == 3);
  CHECK(its.redeliveries().empty());
}

TEST_CASE_METHOD(ExpiryFixture, "nothing is too old without a limit, or while it is in a queue") {
  accept("x", 1s);
  clock.now = 1h;
  options.age_max = 0s;
  CHECK(find() == 0);
  CHECK_FALSE(waiting.until);
  options.age_max = 10s;
  its.set_queued(true);
  CHECK(find() == 0);
  CHECK_FALSE(waiting.until);
  its.set_queued(false);
  CHECK(find() == 1);
}
