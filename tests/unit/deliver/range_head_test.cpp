// SPDX-License-Identifier: Apache-2.0
#include "deliver/range_head.h"

#include <catch2/catch.hpp>
#include <cstring>

#include "base/limits.h"
#include "fifo_kit.h"

using namespace standpipe;
using test::framed;

namespace {

// Ten messages of 10 bytes on the wire each, in two runs; every second one is another handler's if
// `alternating`.
class Fixture {
 public:
  explicit Fixture(bool alternating = false) {
    for (int i = 0; i < 10; ++i) {
      const auto frame = framed("sixtet");
      std::memcpy(log.room(frame.size()).data(), frame.data(), frame.size());
      log.filled(frame.size());
      const std::uint64_t set = alternating && i % 2 ? 2 : 1;
      REQUIRE(log.add_run(frame.size(), 1, static_cast<std::uint64_t>(1 + i / 5), 1, {&set, 1}));
    }
  }
  deliver::RangeHead head(std::uint64_t least, std::uint64_t count = 10,
                          std::uint64_t most = ~std::uint64_t{0}) {
    return deliver::range_head(delivery, {delivery.next(), log.end(), count}, least, most);
  }

  state::Memory memory{{.memory_max = 4 * MiB, .logs = 1, .deliveries = 2}};
  log::Arena arena{memory};
  log::Log log{arena, {.id = 0, .size_max = 1 * MiB, .readers = 2}};
  deliver::Delivery delivery{"in", "it", 0, log, 0};
};

}  // namespace

TEST_CASE("as many messages as it takes to have so many bytes") {
  Fixture f;
  CHECK(f.head(1).range.count == 1);
  CHECK(f.head(10).range.count == 1);
  CHECK(f.head(11).range.count == 2);
  CHECK(f.head(65).range.count == 7);
  CHECK(f.head(65).bytes == 70);
  CHECK(f.head(65).range.end.position.bytes == f.delivery.next().position.bytes + 70);
  CHECK(f.head(65).range.end.sequence.number == 8);
}

TEST_CASE("all of them, if they are fewer") {
  Fixture f;
  CHECK(f.head(1000).range.count == 10);
  CHECK(f.head(1000).range.end == f.log.end());
}

TEST_CASE("others' messages between them do not count") {
  Fixture f(true);
  const auto head = f.head(25, 5);
  CHECK(head.range.count == 3);
  CHECK(head.bytes == 30);
  CHECK(head.range.end.sequence.number == 6);
}

TEST_CASE("no more than so many of them") {
  Fixture f;
  CHECK(f.head(65, 10, 3).range.count == 3);
  CHECK(f.head(25, 10, 7).range.count == 3);
  CHECK(f.head(1000, 10, 5).range.end.sequence.number == 6);
  CHECK(f.head(1000, 10, 0).range.count == 0);
}
