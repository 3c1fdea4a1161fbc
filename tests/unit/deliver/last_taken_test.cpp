// SPDX-License-Identifier: Apache-2.0
#include "deliver/last_taken.h"

#include <catch2/catch.hpp>

#include "fifo_kit.h"
#include "senders.h"

using namespace standpipe;

namespace {

class Fixture {
 public:
  // Message `number`, of ten bytes.
  void take(std::uint64_t number, std::uint64_t capacity) {
    last.remember(delivery, {{{number * 10}, {number}}, {{number * 10 + 10}, {number + 1}}, 1},
                  capacity);
    memory.commit();
  }
  std::uint64_t unacknowledged() {
    last.count_unacknowledged("out", true, reporter, {});
    memory.commit();
    return delivery.tally().unacknowledged;
  }

  test::Silent reporter;
  state::Memory memory{{.memory_max = 4 * MiB}};
  log::Arena arena{memory};
  log::Log log{arena, {.id = 0, .size_max = 1 * MiB}};
  deliver::Delivery delivery{"in", "it", 0, log, 0};
  test::Senders senders{[this](auto) -> deliver::Delivery& { return delivery; }};
  deliver::SendQueue queue{memory, "out", senders, senders, [](auto&, auto&) {}};
  deliver::LastTaken last{memory, "out", queue};
};

}  // namespace

TEST_CASE("what a reader took last, at least a FIFO's worth, is counted when it goes") {
  Fixture f;
  for (std::uint64_t i = 1; i <= 100; ++i) f.take(i, 200);
  const auto counted = f.unacknowledged();
  CHECK(counted >= 20);
  CHECK(counted < 30);
}

TEST_CASE("each message is counted once") {
  Fixture f;
  for (std::uint64_t i = 1; i <= 5; ++i) f.take(i, 200);
  CHECK(f.unacknowledged() == 5);
  CHECK(f.unacknowledged() == 5);
}
