// SPDX-License-Identifier: Apache-2.0
#include "deliver/in_hand.h"

#include <catch2/catch.hpp>

#include "deliver/sending_all.h"

using namespace standpipe;
using namespace std::chrono_literals;
using deliver::QueueOptions;

namespace {

class InHandFixture : public test::SendingAll {
 public:
  bool holds_back(Nanoseconds now = 1s) {
    waiting = {};
    return deliver::InHand(options, host, taken).holds_back(its, now, waiting);
  }
  void append_all(int messages) {
    for (int i = 0; i < messages; ++i) append("x");
  }
  // One message is to be redelivered, as often as that many would be.
  void redeliver(std::size_t times, Nanoseconds due = 0s) {
    const auto one = give_out(1);
    for (std::size_t i = 0; i < times; ++i) {
      its.redeliver({.range = one}, due);
      memory.commit();
    }
  }
  // An output has this many messages of it, as one entry.
  void send(std::uint32_t messages) {
    const auto range = give_out(messages);
    settlement.send(1, its, range, range.end.position - range.begin.position);
    memory.commit();
  }

  deliver::Waiting waiting;
};

}  // namespace

TEST_CASE_METHOD(InHandFixture, "who has nothing in hand is given all that comes") {
  append_all(10);
  redeliver(deliver::Redeliveries::kMax - 10);
  CHECK_FALSE(holds_back());
}

TEST_CASE_METHOD(InHandFixture, "what is in hand is given no company that could not come back") {
  append_all(10);
  send(1);
  constexpr auto kRoom = deliver::Redeliveries::kMax - 2 * kBatchMessages - 1;
  redeliver(kRoom);
  CHECK_FALSE(holds_back());
  redeliver(1);
  CHECK(holds_back());
  CHECK(waiting.for_output);
  its.redeliveries().pop_front();
  CHECK_FALSE(holds_back());
  CHECK_FALSE(waiting.for_output);
}

TEST_CASE_METHOD(InHandFixture, "a delivery that has nothing to give now holds nothing back") {
  append_all(10);
  send(1);
  redeliver(deliver::Redeliveries::kMax - 2 * kBatchMessages, 5s);
  CHECK_FALSE(holds_back(4s));  // they are not due
  CHECK(holds_back(5s));
}

TEST_CASE_METHOD(InHandFixture, "a queue that drops gives out half of it at a time, and no more") {
  options.queue = {.type = QueueOptions::Type::memory,
                   .messages_max = 6,
                   .when_full = QueueOptions::WhenFull::drop_oldest};
  append_all(10);
  send(2);
  CHECK_FALSE(holds_back());
  send(1);
  CHECK(holds_back());
  CHECK(waiting.for_output);
  options.queue.when_full = QueueOptions::WhenFull::block;  // then nothing is to be dropped
  CHECK_FALSE(holds_back());
}

TEST_CASE_METHOD(InHandFixture, "a plugin with a full window of taken messages waits for itself") {
  append_all(1000);
  deliver::Batch batch(1, kBatchBytes);
  std::uint64_t ticket = 0;
  while (!taken.is_full()) {
    CHECK_FALSE(holds_back());
    REQUIRE(batch.fill_next(its));
    batch.give_ticket(++ticket);
    taken.add(batch, 0, 1, 1, 1s);
    memory.commit();
  }
  CHECK(holds_back());
  CHECK_FALSE(waiting.for_output);  // no output would end that
}
