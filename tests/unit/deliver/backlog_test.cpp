// SPDX-License-Identifier: Apache-2.0
#include "deliver/backlog.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "deliver/give.h"
#include "deliver/one_delivery.h"

using namespace standpipe;
using namespace test;
using deliver::QueueOptions;

namespace {

constexpr auto kQueueFull = static_cast<std::size_t>(deliver::Reason::queue_full);

QueueOptions messages(std::uint64_t most) {
  return {.type = QueueOptions::Type::memory,
          .messages_max = most,
          .when_full = QueueOptions::WhenFull::drop_oldest};
}

// Messages of 10 bytes each.
class Waiting : public OneDelivery {
 public:
  explicit Waiting(const QueueOptions& options) : backlog(delivery, options) {}
  void come(int count, std::uint64_t set = 1) {
    for (int i = 0; i < count; ++i) append("123456", set);
    backlog.update();
  }
  // The next `count`, which are all for it, are with somebody.
  deliver::Range give(std::uint64_t count) {
    const deliver::Range range{
        delivery.next(),
        {delivery.next().position + 10 * count, delivery.next().sequence + count},
        count};
    delivery.give_out(range);
    return range;
  }
  void finish(const deliver::Range& range) {
    delivery.finish(range);
    delivery.edit_tally().delivered += range.count;
    memory.commit();
    backlog.update();
  }
  // Frames of these sizes, as a codec finds them.
  static std::vector<frame::Frame> frames(const std::vector<std::uint32_t>& sizes) {
    std::vector<frame::Frame> found;
    std::uint32_t end = 0;
    for (const auto size : sizes) {
      end += size;
      found.push_back({.payload = end - size + 4, .size = size - 4, .end = end});
    }
    return found;
  }
  deliver::Backlog backlog;
};

}  // namespace

TEST_CASE("what waits is counted from the first message that is not final") {
  Waiting w(messages(100));
  w.come(5);
  w.come(3, 2);  // for another
  w.come(2);
  CHECK(w.backlog.messages() == 7);
  CHECK(w.backlog.bytes() == 70);
  const auto range = w.give(4);
  w.backlog.update();
  CHECK(w.backlog.messages() == 7);
  w.finish(range);
  CHECK(w.backlog.messages() == 3);
  CHECK(w.backlog.bytes() == 30);
  w.log.trim(w.delivery.settled());
  w.come(1);
  CHECK(w.backlog.messages() == 4);
  deliver::Backlog next(w.delivery, messages(100));  // of the next worker
  next.update();
  CHECK(next.messages() == 4);
  CHECK(next.bytes() == 40);
}

TEST_CASE("a part of a run may be passed") {
  Waiting w(messages(100));
  w.come(4);
  const auto all = w.give(4);
  w.finish({all.begin, {all.begin.position + 10, all.begin.sequence + 1}, 1});
  CHECK(w.backlog.messages() == 3);
  CHECK(w.backlog.bytes() == 30);
}

TEST_CASE("it is full with its limit, and over it with more, by either measure") {
  Waiting w(messages(2));
  w.come(1);
  CHECK_FALSE(w.backlog.is_full());
  w.come(1);
  CHECK(w.backlog.is_full());
  CHECK_FALSE(w.backlog.is_over());
  w.come(1);
  CHECK(w.backlog.is_over());
  deliver::Backlog bytes(w.delivery, {.type = QueueOptions::Type::memory, .size_max = 30});
  bytes.update();
  CHECK(bytes.is_full());
  CHECK_FALSE(bytes.is_over());
}

TEST_CASE("frames find room until a limit, and then do not") {
  Waiting w({.type = QueueOptions::Type::memory, .size_max = 40, .messages_max = 3});
  auto s = w.backlog.stretch(Waiting::frames({10, 10, 10, 10, 10}), 0);
  CHECK(s.has_room);
  CHECK(s.frames == 3);
  w.come(3);
  s = w.backlog.stretch(Waiting::frames({10, 10}), 0);
  CHECK_FALSE(s.has_room);
  CHECK(s.frames == 2);
}

TEST_CASE(
    "a message larger than the queue finds room in an empty one, and what is smaller may pass one "
    "that does not") {
  Waiting w({.type = QueueOptions::Type::memory, .size_max = 40});
  auto s = w.backlog.stretch(Waiting::frames({50, 10}), 0);
  CHECK(s.has_room);
  CHECK(s.frames == 1);
  w.come(3);
  s = w.backlog.stretch(Waiting::frames({20, 20, 10, 10}), 0);
  CHECK_FALSE(s.has_room);
  CHECK(s.frames == 2);
  // Frames in the middle of what was found.
  const auto all = Waiting::frames({20, 20, 10, 10});
  s = w.backlog.stretch(std::span(all).subspan(2), 40);
  CHECK(s.has_room);
  CHECK(s.frames == 1);
}

TEST_CASE("the oldest are dropped until it is within its limits, and counted") {
  Waiting w(messages(3));
  w.come(8);
  CHECK(w.backlog.drop_oldest() == 5);
  CHECK(w.backlog.messages() == 3);
  CHECK(w.tally().dropped[kQueueFull] == 5);
  CHECK(w.delivery.next().sequence.number == 6);
  CHECK(w.backlog.drop_oldest() == 0);
  w.delivery.check_invariants();
  Waiting bytes({.type = QueueOptions::Type::memory, .size_max = 35});
  bytes.come(8);
  CHECK(bytes.backlog.drop_oldest() == 5);
  CHECK(bytes.backlog.bytes() == 30);
}

TEST_CASE("of messages that are larger than the queue the last one stays, alone") {
  Waiting w({.type = QueueOptions::Type::memory, .size_max = 5});
  w.come(1);
  CHECK_FALSE(w.backlog.is_over());
  CHECK(w.backlog.drop_oldest() == 0);
  w.come(3);
  CHECK(w.backlog.is_over());
  CHECK(w.backlog.drop_oldest() == 3);
  CHECK(w.backlog.messages() == 1);
  CHECK(w.delivery.next().sequence.number == 4);
  CHECK(w.backlog.drop_oldest(1) == 1);  // where the log is full all the same
  w.delivery.check_invariants();
}

TEST_CASE("what somebody has cannot be dropped, and what is to be redelivered goes first") {
  Waiting w(messages(2));
  w.come(6);
  const auto in_hand = w.give(2);
  const auto failed = w.give(2);
  w.delivery.redeliver({failed, 2}, {});
  w.backlog.update();
  CHECK(w.backlog.drop_oldest() == 4);
  CHECK(w.delivery.redeliveries().empty());
  CHECK(w.delivery.next() == w.log.end());
  CHECK(w.delivery.in_flight() == 2);
  w.delivery.check_invariants();
  w.finish(in_hand);
  CHECK(w.backlog.messages() == 0);
  w.delivery.check_invariants();
}

TEST_CASE("of a range to be redelivered only as much goes as must") {
  Waiting w(messages(3));
  w.come(4);
  const auto failed = w.give(4);
  w.delivery.redeliver({failed, 2}, {});
  CHECK(w.backlog.drop_oldest() == 1);
  REQUIRE(w.delivery.redeliveries().size() == 1);
  CHECK(w.delivery.redeliveries().front().range.count == 3);
  w.delivery.check_invariants();
}

TEST_CASE("for a full log it gives some of its oldest away, within its limits") {
  Waiting w(messages(100));
  w.come(10);
  CHECK(w.backlog.drop_oldest(25) == 3);
  CHECK(w.backlog.messages() == 7);
  w.delivery.check_invariants();
}

TEST_CASE("what was dropped behind something that somebody has does not count") {
  Waiting w({.type = QueueOptions::Type::memory, .size_max = 40});
  w.come(2);
  const auto in_hand = w.give(2);
  w.come(8);
  CHECK(w.backlog.drop_oldest() == 6);
  CHECK(w.backlog.bytes() == 40);
  w.come(1);
  CHECK(w.backlog.bytes() == 50);
  CHECK(w.backlog.drop_oldest() == 1);
  w.finish(in_hand);
  CHECK(w.backlog.bytes() == 20);
  CHECK(w.backlog.messages() == 2);
  w.delivery.check_invariants();
}

TEST_CASE("what the next worker finds given out is counted when it is claimed") {
  Waiting w(messages(10));
  w.come(3);
  deliver::Backlog early(w.delivery, messages(10));
  CHECK(early.bytes() == 30);
  const auto range = w.give(3);
  deliver::Backlog next(w.delivery, messages(10));
  CHECK(next.bytes() == 30);
  w.finish(range);
  next.update();
  CHECK(next.bytes() == 0);
}
