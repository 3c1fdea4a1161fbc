// SPDX-License-Identifier: Apache-2.0
#include "state/undo_log.h"

#include <catch2/catch.hpp>
#include <cstring>

#include "state/damaged.h"

using namespace standpipe::state;

namespace {

constexpr std::size_t kLines = 3000;

// A memory of some lines, and a log with room for as many. Crash: another log recovers what this
// one left.
class Fixture {
 public:
  std::byte* line(std::size_t n) { return memory.data() + n * UndoLog::kLine; }
  void set(std::size_t n, int value) {
    log.log_undo(line(n), 1);
    *line(n) = static_cast<std::byte>(value);
  }
  int get(std::size_t n) { return static_cast<int>(*line(n)); }
  std::size_t entries() const { return used / sizeof(UndoLog::Entry); }
  void crash() {
    log = UndoLog(memory.data(), used, room);
    log.roll_back([](std::uint64_t offset) { return offset < kLines * UndoLog::kLine; });
  }

  std::vector<std::byte> memory = std::vector<std::byte>(kLines * UndoLog::kLine);
  std::vector<std::byte> room = std::vector<std::byte>(kLines * sizeof(UndoLog::Entry));
  std::uint64_t used = 0;
  UndoLog log{memory.data(), used, room};
};

}  // namespace

TEST_CASE("a line that was logged and not committed gets its old bytes back") {
  Fixture f;
  f.set(3, 1);
  f.log.commit();
  f.set(3, 2);
  CHECK(f.log.pending());
  f.crash();
  CHECK(f.get(3) == 1);
  CHECK_FALSE(f.log.pending());
}

TEST_CASE("a line is saved once a transaction, and again in the next") {
  Fixture f;
  f.set(3, 1);
  f.set(3, 2);
  CHECK(f.entries() == 1);
  f.log.commit();
  f.set(3, 3);
  CHECK(f.entries() == 1);
}

TEST_CASE("bytes that reach over a line's end save both lines") {
  Fixture f;
  f.log.log_undo(f.line(4) - 1, 2);
  CHECK(f.entries() == 2);
}

TEST_CASE("a line is saved once, however many others are, and in whatever order") {
  Fixture f;
  for (int round = 1; round <= 3; ++round)
    for (std::size_t n = 0; n < kLines; ++n) f.set(round == 2 ? kLines - 1 - n : n, round);
  CHECK(f.entries() == kLines);
  f.crash();
  for (std::size_t n = 0; n < kLines; ++n) REQUIRE(f.get(n) == 0);
}

TEST_CASE("a line that another one took the place of is saved again in the next transaction") {
  Fixture f;
  f.set(3, 1);
  f.set(3 + 1024, 1);
  f.set(3, 2);
  CHECK(f.entries() == 2);
  f.log.commit();
  f.set(3 + 1024, 3);
  f.set(3, 3);
  CHECK(f.entries() == 2);
  f.crash();
  CHECK(f.get(3) == 2);
  CHECK(f.get(3 + 1024) == 1);
}

TEST_CASE("the number of the transaction counts up with each commit") {
  Fixture f;
  const auto before = f.log.transaction();
  f.log.commit();
  CHECK(f.log.transaction() == before + 1);
}

TEST_CASE("a log that has no end, or points to what never changes, is damaged") {
  Fixture f;
  f.used = sizeof(UndoLog::Entry) + 1;
  CHECK_THROWS_AS(f.crash(), Damaged);
  f.used = f.room.size() + sizeof(UndoLog::Entry);
  CHECK_THROWS_AS(f.crash(), Damaged);
  for (const std::uint64_t line : {std::uint64_t{kLines}, ~std::uint64_t{0} / UndoLog::kLine + 1}) {
    f.used = 0;
    f.set(1, 1);
    std::memcpy(f.room.data(), &line, sizeof line);
    CHECK_THROWS_AS(f.crash(), Damaged);
  }
}
