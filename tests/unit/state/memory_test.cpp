// SPDX-License-Identifier: Apache-2.0
#include "state/memory.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <string>

#include "base/failure.h"
#include "base/limits.h"
#include "state/persistent.h"

using namespace standpipe;
using namespace standpipe::state;

namespace {

// Where the undo log is, as FORMAT.md has it.
constexpr std::size_t kUndoUsed = 512, kUndo = 8192, kEntry = 136;

constexpr std::size_t kWords = 10;

// A worker's memory with some words in it, each a record. Crash: the next worker has it, and
// nothing was committed before.
class Fixture {
 public:
  Fixture() : memory(std::make_unique<Memory>(MemoryPlan{.memory_max = 1 * MiB})) {
    for (std::size_t w = 0; w < kWords; ++w) (void)word(w);
    memory->commit();
  }
  void crash() { memory = std::make_unique<Memory>(Fd(::dup(memory->fd()))); }
  Persistent<std::uint64_t> word(std::size_t w) { return {*memory, "word/" + std::to_string(w)}; }
  void set(std::size_t w, std::uint64_t value) { word(w).edit() = value; }
  std::uint64_t get(std::size_t w) { return *word(w); }
  std::size_t undo_entries() {
    std::uint64_t used = 0;
    REQUIRE(::pread(memory->fd(), &used, sizeof used, kUndoUsed) == sizeof used);
    return used / kEntry;
  }
  // Writes back the last `entries` old values, as a roll-back does that is killed after them.
  void roll_back_in_part(std::size_t entries) {
    const auto used = undo_entries() * kEntry;
    for (std::size_t i = 1; i <= entries; ++i) {
      struct {
        std::uint64_t line;
        char bytes[Memory::kLine];
      } entry;
      REQUIRE(::pread(memory->fd(), &entry, sizeof entry,
                      static_cast<off_t>(kUndo + used - i * kEntry)) == kEntry);
      const auto at = static_cast<off_t>(entry.line * Memory::kLine);
      REQUIRE(::pwrite(memory->fd(), entry.bytes, sizeof entry.bytes, at) == sizeof entry.bytes);
    }
  }

  std::unique_ptr<Memory> memory;
};

// How a child ends that does this; a bug of ours ends it by SIGABRT.
template <class What>
int status_of(What what) {
  const auto child = ::fork();
  if (child == 0) {
    (void)!::freopen("/dev/null", "w", stderr);
    ::signal(SIGABRT, SIG_DFL);
    what();
    std::_Exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return status;
}

}  // namespace

// ---- the undo log

TEST_CASE("what was not committed is taken back, and what was is not") {
  Fixture f;
  f.set(0, 1);
  f.memory->commit();
  f.set(0, 2);
  f.set(9, 3);
  CHECK(f.memory->pending());
  f.crash();
  CHECK(f.memory->recovered());
  CHECK_FALSE(f.memory->pending());
  CHECK(f.get(0) == 1);
  CHECK(f.get(9) == 0);
}

TEST_CASE("a line logged twice goes back to the first value") {
  Fixture f;
  f.set(0, 1);
  f.memory->commit();
  f.set(0, 2);
  f.set(0, 3);
  CHECK(f.undo_entries() == 1);
  f.memory->log_undo(&*f.word(0) + 1024 * Memory::kLine / sizeof(std::uint64_t), 1);
  f.set(0, 4);  // known still, however many lines have been logged since
  CHECK(f.undo_entries() == 2);
  f.crash();
  CHECK(f.get(0) == 1);
}

TEST_CASE("a value over several lines is taken back whole") {
  Fixture f;
  const auto bytes = f.memory->record("long", 300);
  f.memory->commit();
  f.memory->log_undo(bytes.data() + 100, 100);
  std::memset(bytes.data() + 100, 'x', 100);
  CHECK(f.undo_entries() == 2);
  f.crash();
  for (const auto b : f.memory->find("long")) CHECK(b == std::byte{0});
}

TEST_CASE("a kill during the roll-back repeats it") {
  for (std::size_t done = 0; done <= kWords + 1; ++done) {
    Fixture f;
    for (std::size_t w = 0; w < kWords; ++w) f.set(w, w + 1);
    f.memory->commit();
    for (std::size_t w = 0; w < kWords; ++w) f.set(w, 100);
    f.memory->log_undo(&*f.word(0) + 1024 * Memory::kLine / sizeof(std::uint64_t), 1);
    f.set(0, 200);
    f.roll_back_in_part(done);
    f.crash();
    for (std::size_t w = 0; w < kWords; ++w) CHECK(f.get(w) == w + 1);
  }
}

TEST_CASE("killed at any instant, it is as the last commit left it", "[exhaustive]") {
  Fixture f;
  for (int round = 0; round < 40; ++round) {
    const auto child = ::fork();
    if (child == 0) {
      Memory memory(Fd(::dup(f.memory->fd())));  // the parent's mapping does not come with a fork
      for (;;) {
        for (std::size_t w = 0; w < kWords; ++w)
          ++Persistent<std::uint64_t>(memory, "word/" + std::to_string(w)).edit();
        memory.commit();
      }
    }
    ::usleep(static_cast<useconds_t>(500 + round * 77));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    f.crash();
    for (std::size_t w = 1; w < kWords; ++w) REQUIRE(f.get(w) == f.get(0));
  }
  CHECK(f.get(0) > 0);
}

// ---- records

TEST_CASE(
    "records are found again by name, with what they hold, in the order in which they were made") {
  Fixture f;
  const std::vector<std::string> names = {"a", std::string(500, 'n'), "a b/c -> d", ""};
  for (std::size_t i = 0; i < names.size(); ++i)
    Persistent<std::uint64_t>(*f.memory, "x/" + names[i], 200 * i).edit() = i + 1;
  f.memory->commit();
  f.crash();
  CHECK(f.memory->records("x/").size() == names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    CHECK(f.memory->records("x/")[i] == "x/" + names[i]);
    CHECK(*Persistent<std::uint64_t>(*f.memory, "x/" + names[i], 200 * i) == i + 1);
  }
  CHECK_FALSE(f.memory->has_record("y"));
  CHECK(f.memory->find("y").empty());
}

TEST_CASE("a record that was not committed is not there, and its place is empty for the next") {
  Fixture f;
  std::memset(f.memory->record("lost", 1000).data(), 'x', 1000);
  f.crash();
  CHECK_FALSE(f.memory->has_record("lost"));
  for (const auto b : f.memory->record("next", 1000)) REQUIRE(b == std::byte{0});
}

TEST_CASE("a record of another size than it was is refused") {
  Fixture f;
  CHECK_THROWS_AS(f.memory->record("word/0", 16), Memory::Damaged);
}

TEST_CASE("records without end are refused before there is no room") {
  Fixture f;
  CHECK_THROWS_AS(
      [&] {
        for (int i = 0;; ++i) f.memory->record(std::to_string(i), 64 * KiB);
      }(),
      Failure);
  f.memory->commit();
  f.crash();
  CHECK(f.memory->has_record("1"));
}

TEST_CASE("one transaction may change all deliveries of the plan, and is taken back whole") {
  constexpr std::size_t kDeliveries = 20'000;
  auto memory =
      std::make_unique<Memory>(MemoryPlan{.memory_max = 1 * MiB, .deliveries = kDeliveries});
  struct Counters {
    std::uint64_t words[24];
  };
  const auto change_all = [&](std::uint64_t to) {
    for (std::size_t i = 0; i < kDeliveries; ++i)
      Persistent<Counters>(*memory, std::to_string(i)).edit().words[0] = to;
  };
  change_all(1);
  memory->commit();
  change_all(2);
  memory = std::make_unique<Memory>(Fd(::dup(memory->fd())));
  for (std::size_t i = 0; i < kDeliveries; i += 999)
    CHECK(Persistent<Counters>(*memory, std::to_string(i))->words[0] == 1);
}

// ---- steps

TEST_CASE("a step is there after a death, with what had moved, until its end was committed") {
  Fixture f;
  f.memory->begin(Step::push, 7, 100);
  f.crash();
  CHECK(f.memory->step() == Step::push);
  CHECK(f.memory->step_index() == 7);
  CHECK(f.memory->step_moved() == 100);
  f.memory->moved(60);
  f.set(0, 1);
  f.memory->end();
  f.crash();
  CHECK(f.memory->step() == Step::push);
  CHECK(f.memory->step_moved() == 60);
  CHECK(f.get(0) == 0);
  f.set(0, 1);
  f.memory->end();
  f.memory->commit();
  f.crash();
  CHECK(f.memory->step() == Step::none);
  CHECK(f.get(0) == 1);
}

TEST_CASE("a step that begins while something is pending, or within another, is a bug") {
  Fixture f;
  CHECK(status_of([] {
          Fixture g;
          g.set(0, 1);
          g.memory->begin(Step::accept, 0);
        }) == SIGABRT);
  CHECK(status_of([] {
          Fixture g;
          g.memory->begin(Step::accept, 0);
          g.memory->begin(Step::accept, 0);
        }) == SIGABRT);
  CHECK(status_of([] { Fixture().memory->begin(Step::accept, 0); }) == 0);
}

TEST_CASE("plain words are not taken back") {
  Fixture f;
  f.memory->culprit() = 5;
  f.memory->count_progress();
  f.memory->watches()[0].call = 3;
  const auto plain = f.memory->plain_record("call/it", 8);
  f.memory->commit();
  plain[0] = std::byte{1};
  f.set(0, 1);
  f.crash();
  CHECK(f.memory->culprit() == 5);
  CHECK(f.memory->shared().progress == 1);
  CHECK(f.memory->watches()[0].call == 3);
  CHECK(f.memory->find("call/it")[0] == std::byte{1});
}

// ---- blocks

TEST_CASE("blocks that were taken or given back without a commit are as they were") {
  Fixture f;
  const auto one = f.memory->allocate_block(), two = f.memory->allocate_block();
  f.memory->release_block(one);
  f.memory->commit();
  const auto free = f.memory->free_blocks();
  CHECK(f.memory->allocate_block() == one);
  (void)f.memory->allocate_block();
  f.memory->release_block(two);
  f.crash();
  CHECK(f.memory->free_blocks() == free);
  CHECK(f.memory->allocate_block() == one);
}
