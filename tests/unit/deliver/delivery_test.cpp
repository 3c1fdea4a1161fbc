// SPDX-License-Identifier: Apache-2.0
#include "deliver/delivery.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "deliver/one_delivery.h"

using namespace standpipe;
using deliver::Range, deliver::Reason;

namespace {

// Messages of one byte, each a run of its own: places in the log are numbers of messages. Verbs:
// append, give (out), finish, open (what is).
class Fixture : public test::OneDelivery {
 public:
  Fixture() { places.push_back(log.end()); }
  void append(int count, std::uint64_t set = 1) {
    for (; count > 0; --count) {
      OneDelivery::append("x", set);
      places.push_back(log.end());
    }
  }
  // Messages first .. last - 1, of which `count` are wanted.
  Range range(std::size_t first, std::size_t last, std::uint64_t count) const {
    return {places[first], places[last], count};
  }
  Range range(std::size_t first, std::size_t last) const {
    return range(first, last, last - first);
  }
  void finish(const Range& part) {
    delivery.finish(part);
    delivery.edit_tally().delivered += part.count;
    delivery.check_invariants();
  }
  // "0-3(3) 5-6(1)"
  std::string open() const {
    std::string all;
    for (const auto& r : delivery.open())
      all += (all.empty() ? "" : " ") + place(r.begin) + '-' + place(r.end) + '(' +
             std::to_string(r.count) + ')';
    return all;
  }
  std::string place(log::Cursor at) const {
    for (std::size_t i = 0; i < places.size(); ++i)
      if (places[i] == at) return std::to_string(i);
    return "?";
  }
  // The next worker's delivery, with what the last commit left.
  template <class Look>
  void next(Look look) {
    memory.commit();
    state::Memory again(Fd(::dup(memory.fd())));
    log::Arena its_arena(again);
    log::Log its_log(its_arena, {.id = 0, .size_max = 2 * MiB, .readers = 2});
    deliver::Delivery its("in", "it", 0, its_log, 0);
    look(its);
  }

  std::vector<log::Cursor> places;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "what was delivered counts by the age of its oldest message") {
  append(4);
  const auto accepted = *delivery.oldest();
  std::optional<Nanoseconds> wall = Nanoseconds(static_cast<std::int64_t>(accepted) + 1'000'000);
  const auto now = *wall;
  delivery.give_out(range(0, 4));
  delivery.sample_latency(SystemClock(), wall);
  CHECK_FALSE(delivery.latency().percentiles(now));  // nothing is final
  finish(range(1, 2));
  delivery.sample_latency(SystemClock(), wall);
  CHECK_FALSE(delivery.latency().percentiles(now));  // what is before it is not
  finish(range(0, 1));
  finish(range(2, 4));
  delivery.sample_latency(SystemClock(), wall);
  const auto found = delivery.latency().percentiles(now);
  REQUIRE(found);
  CHECK(found->p99 > std::chrono::milliseconds(1));
  CHECK(found->p99 < std::chrono::microseconds(1200));
}

TEST_CASE_METHOD(Fixture, "the clock is read only where something was delivered") {
  append(2);
  std::optional<Nanoseconds> wall;
  delivery.give_out(range(0, 2));
  delivery.sample_latency(SystemClock(), wall);
  delivery.finish(range(0, 1));
  delivery.edit_tally().filtered += 1;
  delivery.sample_latency(SystemClock(), wall);
  CHECK_FALSE(wall);
  finish(range(1, 2));
  delivery.sample_latency(SystemClock(), wall);
  CHECK(wall);
}

TEST_CASE_METHOD(
    Fixture, "what is given out side by side is one range, and holds the log from its beginning") {
  append(5);
  delivery.give_out(range(0, 2));
  delivery.give_out(range(2, 3));
  CHECK(open() == "0-3(3)");
  CHECK(place(delivery.next()) == "3");
  CHECK(place(delivery.settled()) == "0");
  CHECK(delivery.in_flight() == 5);
  delivery.check_invariants();
}

TEST_CASE_METHOD(
    Fixture, "a range that is final in its middle leaves two, and the log is held by the first") {
  append(6);
  delivery.give_out(range(0, 6));
  finish(range(2, 4));
  CHECK(open() == "0-2(2) 4-6(2)");
  finish(range(0, 2));
  CHECK(open() == "4-6(2)");
  CHECK(place(delivery.settled()) == "4");
  finish(range(5, 6));
  CHECK(open() == "4-5(1)");
  finish(range(4, 5));
  CHECK_FALSE(delivery.has_open());
  CHECK(place(delivery.settled()) == "6");
}

TEST_CASE_METHOD(Fixture, "messages for others before a part that is final do not stay open") {
  append(2, 2);
  append(2);
  delivery.give_out(range(0, 4, 2));  // begins with two for others
  finish(range(2, 3));
  CHECK(open() == "3-4(1)");
}

TEST_CASE_METHOD(Fixture,
                 "messages for others are stepped over, and those that are wanted are not") {
  append(2, 2);
  append(1);
  delivery.skip_unwanted();
  CHECK(place(delivery.next()) == "2");
  delivery.skip_unwanted();
  CHECK(place(delivery.next()) == "2");
}

TEST_CASE_METHOD(Fixture, "what was not processed of the last range comes next again") {
  append(4);
  delivery.give_out(range(0, 4));
  delivery.return_tail(places[1], 3);
  CHECK(open() == "0-1(1)");
  CHECK(place(delivery.next()) == "1");
  delivery.return_tail(places[0], 1);
  CHECK_FALSE(delivery.has_open());
  delivery.check_invariants();
}

TEST_CASE_METHOD(Fixture, "redeliveries are in the log's order, due when the last of them is") {
  append(6);
  delivery.give_out(range(0, 6));
  delivery.redeliver({range(4, 5)}, std::chrono::seconds(9));
  delivery.redeliver({range(0, 1)}, std::chrono::seconds(3));
  delivery.redeliver({range(2, 3)}, std::chrono::seconds(5));
  const auto& all = delivery.redeliveries();
  REQUIRE(all.size() == 3);
  CHECK(place(all[0].range.begin) == "0");
  CHECK(place(all[1].range.begin) == "2");
  CHECK(place(all[2].range.begin) == "4");
  CHECK(delivery.redelivery_due == Nanoseconds(std::chrono::seconds(9)));
}

TEST_CASE_METHOD(Fixture, "many redeliveries find their places, and those in a row become one") {
  append(8);
  delivery.give_out(range(0, 8));
  delivery.redeliver({range(5, 6)}, std::chrono::seconds(3));
  const std::vector<deliver::Redelivery> many{
      {range(0, 2)}, {range(2, 3)}, {range(3, 4), 2}, {range(6, 7)}, {range(7, 8)}};
  delivery.redeliver_all(many, std::chrono::seconds(1));
  std::string all;
  for (std::size_t i = 0; i < delivery.redeliveries().size(); ++i) {
    const auto& one = delivery.redeliveries()[i];
    all += place(one.range.begin) + "-" + place(one.range.end) + " a" +
           std::to_string(one.attempt) + ", ";
  }
  CHECK(all == "0-3 a1, 3-4 a2, 5-6 a1, 6-8 a1, ");
  CHECK(delivery.redelivery_due == Nanoseconds(std::chrono::seconds(3)));
}

TEST_CASE_METHOD(Fixture,
                 "the next worker has the cursor, the counters and what is to be redelivered") {
  append(4);
  delivery.give_out(range(0, 3));
  finish(range(0, 1));
  delivery.redeliver({range(1, 3)}, {});
  next([&](deliver::Delivery& its) {
    CHECK(place(its.next()) == "3");
    CHECK(its.tally().delivered == 1);
    CHECK(its.open().size() == 1);  // what is to be redelivered is open
    CHECK(its.has_all());
    its.check_invariants();
  });
}

TEST_CASE_METHOD(Fixture, "open ranges that overlap, or lie outside, are damage") {
  append(4);
  delivery.give_out(range(0, 3));
  next([&](deliver::Delivery& its) {
    its.recover(range(1, 2));
    CHECK_THROWS_AS(its.recover(range(1, 3)), state::Memory::Damaged);
    CHECK_THROWS_AS(its.recover(range(0, 2)), state::Memory::Damaged);
    CHECK_THROWS_AS(its.recover(range(3, 4)), state::Memory::Damaged);  // was never given out
    CHECK_THROWS_AS(its.recover(range(2, 2)), state::Memory::Damaged);
    its.recover(range(0, 1));
    its.recover(range(2, 3));
    its.check_invariants();
  });
}

TEST_CASE_METHOD(Fixture, "what two of its owners hold side by side may be final in one go") {
  append(4);
  delivery.give_out(range(0, 4));
  next([&](deliver::Delivery& its) {
    its.recover(range(0, 1));  // of an output
    its.recover(range(3, 4));
    its.recover(range(1, 3));  // of a call, whose answer the output joins to what it has
    its.finish(range(0, 2));
    its.finish(range(2, 4));
    CHECK(its.open().empty());
  });
}

TEST_CASE_METHOD(Fixture,
                 "at a stop all that is not final is dropped, but for what is kept on the disk") {
  append(6);
  delivery.give_out(range(0, 4));
  finish(range(1, 2));
  CHECK(delivery.drop_rest(Reason::shutdown, places[3]) == 2);
  CHECK(tally().dropped_sum() == 3);
  CHECK(delivery.saved() == 2);
  CHECK_FALSE(delivery.has_open());
  delivery.check_invariants();
}

TEST_CASE_METHOD(Fixture, "what is saved on the disk is in flight, and holds the log no longer") {
  append(6);
  delivery.give_out(range(0, 4));
  finish(range(1, 2));
  delivery.redeliver({range(0, 1)}, {});
  delivery.redeliver({range(2, 4)}, {});
  REQUIRE(delivery.has_all());
  delivery.save_before(places[3]);
  CHECK(delivery.saved() == 2);
  CHECK(open() == "3-4(1)");
  CHECK(place(delivery.settled()) == "3");
  CHECK(delivery.redeliveries().size() == 1);
  delivery.save_before(places[5]);
  CHECK(delivery.saved() == 4);
  CHECK(place(delivery.settled()) == "5");
  CHECK(delivery.in_flight() == 5);
  delivery.check_invariants();
}

TEST_CASE_METHOD(Fixture, "a delivery is settled when all that matched is final or saved") {
  append(2);
  CHECK_FALSE(deliver::Delivery::is_settled(memory, "in", "it"));
  delivery.give_out(range(0, 1));
  finish(range(0, 1));
  CHECK_FALSE(deliver::Delivery::is_settled(memory, "in", "it"));
  delivery.save_before(places[2]);
  CHECK(deliver::Delivery::is_settled(memory, "in", "it"));
  CHECK(deliver::Delivery::is_settled(memory, "in", "nobody"));
}

TEST_CASE("what is dropped before a place is in nobody's hands, and is counted") {
  test::OneDelivery one;
  for (const auto* message : {"a", "b", "c", "d"}) one.append(message);
  auto& d = one.delivery;
  const auto at = [&](std::uint64_t n) {
    return log::Cursor{d.log().trimmed().position + 5 * n, d.log().trimmed().sequence + n};
  };
  d.give_out({at(0), at(1), 1});  // with somebody
  d.give_out({at(1), at(2), 1});
  d.redeliver({{at(1), at(2), 1}, 2}, {});
  CHECK(d.drop_before(at(3), deliver::Reason::queue_full) == 2);
  CHECK(d.in_flight() == 2);
  CHECK(d.settled() == at(0));
  CHECK(d.next() == at(3));
  d.check_invariants();
  CHECK(d.drop_before(at(3), deliver::Reason::queue_full) == 0);
}

TEST_CASE("what a queue has of a delivery is brought, handed over and dropped, and each closes") {
  test::OneDelivery one;
  for (const auto* message : {"a", "b", "c"}) one.append(message);
  auto& d = one.delivery;
  d.save_before(d.log().end());
  CHECK(d.saved() == 3);
  d.hand_over_saved(2);
  CHECK(d.tally().matched == 1);
  CHECK(d.saved() == 1);
  d.check_invariants();
  d.bring_saved(4);
  CHECK(d.tally().matched == 5);
  CHECK(d.in_flight() == 5);
  d.drop_saved(3, deliver::Reason::damaged);
  CHECK(d.saved() == 2);
  CHECK(d.tally().dropped[static_cast<std::size_t>(deliver::Reason::damaged)] == 3);
  d.check_invariants();
}

TEST_CASE_METHOD(Fixture, "what nobody has is withdrawn, as if it had never come") {
  append(6);
  delivery.give_out(range(0, 3));
  delivery.redeliver({range(1, 2), 2}, Nanoseconds(0));
  std::vector<std::string> taken;
  const auto count = delivery.withdraw([&](log::Cursor begin, log::Cursor end) {
    taken.push_back(place(begin) + '-' + place(end));
  });
  CHECK(count == 4);
  CHECK(taken == std::vector<std::string>{"1-2", "3-6"});
  CHECK(open() == "0-1(1) 2-3(1)");
  CHECK(delivery.tally().matched == 2);
  delivery.check_invariants();
  finish(range(0, 1));
  finish(range(2, 3));
  CHECK(delivery.settled() == log.end());
  CHECK(delivery.withdraw([](auto, auto) {}) == 0);
}
