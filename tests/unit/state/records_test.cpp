// SPDX-License-Identifier: Apache-2.0
#include "state/records.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <optional>

#include "base/failure.h"
#include "state/damaged.h"

using namespace standpipe;
using namespace standpipe::state;

namespace {

constexpr std::size_t kLine = UndoLog::kLine, kArea = 64 * kLine, kHeader = kLine;

// An area of 64 lines. Crash: another worker finds what was committed.
class Fixture {
 public:
  Fixture() { begin(); }
  void crash() {
    undo.emplace(memory.data(), words()[1], room);
    undo->roll_back([](std::uint64_t) { return true; });
    begin();
  }
  void commit() {
    records->before_commit();
    undo->commit();
  }
  std::size_t place(std::string_view name, std::size_t lines) {
    return static_cast<std::size_t>(records->find_or_make(name, lines * kLine).data() -
                                    memory.data()) /
           kLine;
  }
  void fill(std::string_view name, char with) {
    const auto found = records->find(name);
    undo->log_undo(found.data(), found.size());
    std::memset(const_cast<std::byte*>(found.data()), with, found.size());
  }
  bool has_only(std::string_view name, char what) const {
    const auto found = records->find(name);
    return !found.empty() && std::all_of(found.begin(), found.end(), [&](std::byte b) {
      return b == static_cast<std::byte>(what);
    });
  }
  std::uint64_t* words() { return reinterpret_cast<std::uint64_t*>(memory.data()); }

  alignas(128) std::array<std::byte, kHeader + kArea> memory{};
  std::vector<std::byte> room = std::vector<std::byte>(1000 * sizeof(UndoLog::Entry));
  std::optional<UndoLog> undo{std::in_place, memory.data(), words()[1], room};
  std::optional<Records> records;

 private:
  void begin() {
    records.emplace(*undo, memory.data(), std::span(memory).subspan(kHeader), words()[0]);
  }
};

}  // namespace

TEST_CASE("what was removed serves again after the commit, and not before") {
  Fixture f;
  const auto a = f.place("a", 3);
  f.place("b", 1);
  f.commit();
  f.records->remove("a");
  CHECK_FALSE(f.records->contains("a"));
  CHECK(f.place("early", 3) != a);
  f.commit();
  CHECK(f.place("late", 3) == a);
  CHECK(f.has_only("late", 0));
}

TEST_CASE("a removal that was not committed is taken back, with what the record held") {
  Fixture f;
  f.place("a", 3);
  f.fill("a", 'x');
  f.commit();
  f.records->remove("a");
  f.place("other", 3);
  f.crash();
  CHECK(f.has_only("a", 'x'));
  CHECK_FALSE(f.records->contains("other"));
}

TEST_CASE("a record in the place of removed ones is taken back, and they are free") {
  Fixture f;
  for (const auto* name : {"a", "b", "c"}) f.place(name, 3), f.fill(name, *name);
  f.commit();
  f.records->remove("a");
  f.records->remove("b");
  f.commit();
  const auto free = f.records->free_bytes();
  f.place("wide", 6);
  f.fill("wide", 'w');
  f.crash();
  CHECK(f.records->free_bytes() == free);
  CHECK(f.records->names("") == std::vector<std::string>{"c"});
  CHECK(f.has_only("c", 'c'));
}

TEST_CASE("neighbours that were removed serve together, and what is left of them serves, too") {
  Fixture f;
  const auto a = f.place("a", 3);
  f.place("b", 3), f.place("c", 1);
  f.commit();
  f.records->remove("b");
  f.records->remove("a");
  f.commit();
  CHECK(f.place("wide", 5) == a);
  CHECK(f.place("rest", 1) == a + 6);
  f.commit();
  f.crash();
  CHECK(f.records->names("") == std::vector<std::string>{"wide", "rest", "c"});
}

TEST_CASE("records come and go without end in the room of a few") {
  Fixture f;
  f.place("stays", 2);
  f.fill("stays", 's');
  for (int i = 0; i < 1000; ++i) {
    const auto name = std::to_string(i);
    f.place(name, 1 + static_cast<std::size_t>(i) % 7);
    f.fill(name, 'x');
    f.commit();
    if (i >= 3) f.records->remove(std::to_string(i - 3));
    f.commit();
    if (i % 100 == 0) f.crash();
  }
  CHECK(f.has_only("stays", 's'));
  CHECK(f.records->names("").size() == 4);
}

TEST_CASE("what is full says so, and what was removed makes room") {
  Fixture f;
  f.place("a", 30);
  f.place("b", 30);
  f.commit();
  CHECK_THROWS_AS(f.place("c", 10), Failure);
  f.records->remove("a");
  f.commit();
  f.place("c", 10);
}

TEST_CASE("a removed record of no size, or beyond the others, is damaged") {
  for (const std::uint64_t bytes :
       {std::uint64_t{0}, std::uint64_t{kLine + 1}, std::uint64_t{100 * kLine}}) {
    Fixture f;
    f.place("a", 3);
    f.commit();
    f.records->remove("a");
    f.commit();
    std::memcpy(f.memory.data() + kHeader, &bytes, sizeof bytes);
    CHECK_THROWS_AS(f.crash(), Damaged);
  }
}
