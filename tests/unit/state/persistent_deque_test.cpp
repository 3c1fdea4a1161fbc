// SPDX-License-Identifier: Apache-2.0
#include "state/persistent_deque.h"

#include <catch2/catch.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <random>

#include "base/limits.h"

using namespace standpipe;
using namespace standpipe::state;

namespace {

struct Item {
  std::uint64_t value = 0;
  std::uint64_t rest[5] = {};  // as long as what rows hold
};
constexpr std::size_t kPerBlock = Memory::kBlock / sizeof(Item);

// A row, and what it should hold: now, and as of the last commit.
class Fixture {
 public:
  Fixture() : memory(std::make_unique<Memory>(MemoryPlan{.memory_max = 1 * MiB})) {
    attach(), commit();
  }
  void commit() {
    memory->commit();
    committed = now;
  }
  void crash() {
    memory = std::make_unique<Memory>(Fd(::dup(memory->fd())));
    attach();
    now = committed;
  }
  void push(std::uint64_t value) {
    row->push_back({value});
    now.push_back(value);
  }
  bool same() const {
    bool same = row->size() == now.size();
    for (std::size_t i = 0; same && i < now.size(); ++i) same = (*row)[i].value == now[i];
    return same;
  }
  // One change of some kind, at some place.
  void change(std::mt19937& random) {
    const auto at = now.empty() ? 0 : random() % now.size();
    const auto place = now.begin() + static_cast<std::ptrdiff_t>(at);
    switch (random() % (now.size() < 4 * kPerBlock ? 8 : 11)) {
      case 0:
        row->insert(at, {++next_});
        now.insert(place, next_);
        return;
      case 1:
        if (now.empty()) return;
        row->edit(at).value = ++next_;
        *place = next_;
        return;
      case 2:
        if (random() % 20) return;
        row->truncate(at);
        now.resize(at);
        return;
      case 3:
        if (random() % 50) return;
        row->clear();
        return now.clear();
      case 4:
      case 8:
      case 9:
        if (now.empty()) return;
        row->pop_front();
        return now.pop_front();
      case 5:
      case 10:
        if (now.empty()) return;
        row->pop_back();
        return now.pop_back();
      default:
        return push(++next_);
    }
  }

  std::unique_ptr<Memory> memory;
  std::optional<PersistentDeque<Item>> row;
  std::deque<std::uint64_t> now, committed;

 private:
  void attach() { row.emplace(*memory, "row"); }

  std::uint64_t next_ = 0;
};

}  // namespace

TEST_CASE(
    "any changes of a persistent deque, with crashes between, are a deque's as of the last "
    "commit") {
  std::size_t longest = 0;
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    Fixture f;
    const auto free = f.memory->free_blocks();
    for (int step = 0; step < 2000; ++step) {
      f.change(random);
      if (random() % 5 == 0) f.commit();
      if (random() % 30 == 0) f.crash();
      REQUIRE(f.same());
      longest = std::max(longest, f.now.size());
    }
    f.row->clear();
    f.memory->commit();
    CHECK(f.memory->free_blocks() == free);
  }
  CHECK(longest > 3 * kPerBlock);
}

TEST_CASE("a persistent deque's blocks that were rolled back are used again") {
  Fixture f;
  const auto free = f.memory->free_blocks();
  for (int round = 0; round < 1000; ++round) {
    for (std::size_t i = 0; i < 3 * kPerBlock; ++i) f.push(i);
    f.crash();
  }
  CHECK(f.memory->free_blocks() == free);
}

TEST_CASE(
    "a persistent deque that goes round, longer than its list of blocks, is bounded by what it "
    "holds") {
  Fixture f;
  for (std::size_t i = 0; i < 2 * PersistentDeque<Item>::kMax; ++i) {
    f.push(i);
    if (f.now.size() < 10) continue;
    f.row->pop_front();
    f.now.pop_front();
    f.commit();
  }
  CHECK(f.same());
}

TEST_CASE("a persistent deque holds as many as it says, and one that begins within a block, too") {
  Fixture f;
  for (std::size_t i = 0; i < PersistentDeque<Item>::kMax; ++i) f.push(i);
  for (std::size_t i = 0; i < kPerBlock - 1; ++i) {
    f.row->pop_front();
    f.now.pop_front();
    f.push(i);
  }
  CHECK(f.row->size() == PersistentDeque<Item>::kMax);
  CHECK(f.same());
}

TEST_CASE("an element is erased from anywhere, and a crash before the commit brings it back") {
  for (const std::ptrdiff_t at : {0, 1, 60, 100, 149}) {
    Fixture f;
    const auto erase = [&] {
      f.row->erase(static_cast<std::size_t>(at));
      f.now.erase(f.now.begin() + at);
    };
    for (std::uint64_t i = 0; i < 150; ++i) f.push(i);
    f.commit();
    erase();
    REQUIRE(f.same());
    f.crash();
    REQUIRE(f.same());
    erase();
    f.commit();
    f.crash();
    CHECK(f.same());
    CHECK(f.row->size() == 149);
  }
}
