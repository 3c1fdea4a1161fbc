// SPDX-License-Identifier: Apache-2.0
#include "deliver/taken_messages.h"

#include <catch2/catch.hpp>
#include <optional>
#include <string>

#include "deliver/one_delivery.h"

using namespace standpipe;
using deliver::TakenMessages;

namespace {

class Fixture {
 public:
  // Ten messages are given out, as a batch with this ticket.
  void give(std::uint64_t ticket) {
    for (int i = 0; i < 10; ++i) one.append(std::string(static_cast<std::size_t>(i), 'x'));
    REQUIRE(batch.fill_next(one.delivery));
    REQUIRE(batch.count() == 10);
    batch.give_ticket(ticket);
  }
  void add(std::uint32_t first, std::uint32_t last) {
    taken->add(batch, first, last, batch.count(), Nanoseconds(5));
    one.memory.commit();
  }
  void settle(std::uint64_t ticket, std::uint32_t first, std::uint32_t last) {
    const auto i = taken->find(ticket);
    one.delivery.finish(taken->range_of(*i, one.delivery, first, last));
    one.delivery.edit_tally().delivered += last - first;
    taken->settled(*i, one.delivery, first, last);
    one.memory.commit();
    one.log.trim(one.delivery.settled());
    one.delivery.check_invariants();
  }
  // "7: 0-3 5-6" for each batch.
  std::string text() const {
    std::string text;
    for (std::size_t i = 0; i < taken->size(); ++i) {
      text += (i ? ", " : "") + std::to_string((*taken)[i].ticket) + ":";
      for (auto run = taken->run_in(i, 0, 2000); run; run = taken->run_in(i, run->second, 2000))
        text += " " + std::to_string(run->first) + "-" + std::to_string(run->second);
    }
    return text;
  }
  test::OneDelivery one;
  deliver::Batch batch{10, 100000};
  std::optional<TakenMessages> taken{std::in_place, one.memory, "it"};
};

}  // namespace

TEST_CASE("messages of a batch are settled in any order, and its entry goes with the last one") {
  Fixture f;
  f.give(7);
  f.add(1, 4);
  f.add(6, 9);
  f.give(9);
  f.add(0, 10);
  CHECK(f.text() == "7: 1-4 6-9, 9: 0-10");
  CHECK(f.taken->messages() == 16);
  // What of the first batch was not taken is final.
  const auto begin = f.one.delivery.settled(), end = (*f.taken)[0].range.end;
  for (const auto& [first, last] : {std::pair(0u, 1u), {4u, 6u}, {9u, 10u}}) {
    deliver::Batch again(10, 100000);
    again.refill(f.one.delivery, {{begin, end, 10}, 1});
    f.one.delivery.finish(again.range(first, last));
    f.one.delivery.edit_tally().delivered += last - first;
  }
  f.settle(7, 2, 3);
  CHECK(f.text() == "7: 1-2 3-4 6-9, 9: 0-10");
  f.settle(7, 1, 2);
  CHECK((*f.taken)[0].first == 3);
  f.settle(7, 3, 4);
  CHECK((*f.taken)[0].first == 6);
  f.settle(9, 4, 10);
  f.settle(7, 6, 9);
  CHECK(f.text() == "9: 0-4");
  f.settle(9, 0, 4);
  CHECK(f.taken->empty());
  CHECK(f.taken->messages() == 0);
  CHECK(f.one.delivery.in_flight() == 0);
}

TEST_CASE("a range that was never taken, or is settled, or of an old ticket, is nobody's") {
  Fixture f;
  f.give(7);
  f.add(2, 5);
  CHECK_FALSE(f.taken->find(6));
  CHECK_FALSE(f.taken->find(8));
  CHECK_FALSE(f.taken->run_in(0, 5, 10));
  CHECK_FALSE(f.taken->run_in(0, 0, 2));
  CHECK_FALSE(f.taken->run_in(0, 0xffffffff, 0x1ffffffff));
  CHECK(f.taken->run_in(0, 3, 0x1ffffffff) == std::pair(3u, 5u));
}

TEST_CASE("what is taken is found by the next worker") {
  Fixture f;
  f.give(7);
  f.add(2, 5);
  f.give(8);
  f.add(0, 1);
  f.taken.emplace(f.one.memory, "it");
  CHECK(f.text() == "7: 2-5, 8: 0-1");
  CHECK(f.taken->messages() == 4);
}

TEST_CASE("there is room for so many batches, or messages, whichever comes first") {
  Fixture f;
  for (std::uint64_t ticket = 1; ticket <= TakenMessages::kBatchesMax; ++ticket) {
    REQUIRE_FALSE(f.taken->is_full());
    f.give(ticket);
    f.add(3, 4);
  }
  CHECK(f.taken->is_full());
  CHECK(TakenMessages::kMessagesMax >= 4 * kBatchMessages);
}
