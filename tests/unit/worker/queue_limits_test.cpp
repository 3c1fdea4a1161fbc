// SPDX-License-Identifier: Apache-2.0
#include "worker/queue_limits.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "deliver/one_delivery.h"

using namespace standpipe;
using namespace test;
using deliver::QueueOptions;

namespace {

QueueOptions messages(std::uint64_t most, QueueOptions::WhenFull when_full) {
  return {.type = QueueOptions::Type::memory, .messages_max = most, .when_full = when_full};
}

// So many frames of ten bytes, as a codec finds them.
std::vector<frame::Frame> frames(std::uint32_t count) {
  std::vector<frame::Frame> found;
  for (std::uint32_t i = 0; i < count; ++i)
    found.push_back({.payload = 10 * i + 4, .size = 6, .end = 10 * i + 10});
  return found;
}

// The limits of one delivery, whose bit is 0; that with bit 1 has none. Messages of ten bytes.
struct Fixture : OneDelivery {
  void come(int count) {
    for (int i = 0; i < count; ++i) append("123456", 1);
  }
  std::size_t split(std::uint32_t count, std::uint64_t set) {
    const auto found = frames(count);
    return limits.split(found, 0, {&set, 1}, pending);
  }
  std::uint64_t with_room() const { return limits.with_room()[0]; }
  std::uint64_t full() const { return limits.full()[0]; }

  worker::QueueLimits limits{1};
  worker::PendingCounts pending{2, 1};
};

}  // namespace

TEST_CASE("a queue that is no queue in memory has no limit here") {
  Fixture f;
  f.limits.add(f.delivery, {.type = QueueOptions::Type::disk, .messages_max = 1});
  CHECK(f.limits.backlogs().empty());
  CHECK_FALSE(f.limits.drops_newest());
}

TEST_CASE("a queue that blocks is to be waited for when it is full, and splits nothing") {
  Fixture f;
  f.limits.add(f.delivery, messages(2, QueueOptions::WhenFull::block));
  CHECK_FALSE(f.limits.drops_newest());
  f.come(1);
  CHECK_FALSE(f.limits.is_blocked());
  f.come(1);
  CHECK(f.limits.is_blocked());
  CHECK(f.split(4, 0b11) == 4);
  CHECK(f.with_room() == 0b11);
  CHECK(f.full() == 0);
}

TEST_CASE("a queue that drops blocks nobody, however full it is") {
  Fixture f;
  f.limits.add(f.delivery, messages(1, QueueOptions::WhenFull::drop_newest));
  f.come(3);
  CHECK_FALSE(f.limits.is_blocked());
  CHECK(f.limits.drops_newest());
}

TEST_CASE("what finds room is apart from what finds the queue full, for that delivery alone") {
  Fixture f;
  f.limits.add(f.delivery, messages(3, QueueOptions::WhenFull::drop_newest));
  f.come(1);
  CHECK(f.split(5, 0b11) == 2);
  CHECK(f.with_room() == 0b11);
  CHECK(f.full() == 0);
  f.come(2);
  CHECK(f.split(5, 0b11) == 5);
  CHECK(f.with_room() == 0b10);
  CHECK(f.full() == 0b01);
  CHECK(f.split(5, 0b10) == 5);  // it is for the other one alone
  CHECK(f.with_room() == 0b10);
  CHECK(f.full() == 0);
}

TEST_CASE("what was appended and is not in the account yet takes room") {
  Fixture f;
  f.limits.add(f.delivery, messages(3, QueueOptions::WhenFull::drop_newest));
  const std::uint64_t set = 1;
  f.pending.add(2, 20, {&set, 1}, true);
  CHECK(f.split(5, 1) == 1);
  f.pending.add_dropped(1, {&set, 1});
  CHECK(f.split(5, 1) == 2);
}
