// SPDX-License-Identifier: Apache-2.0
#include "log/log.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <deque>
#include <optional>
#include <random>
#include <string>

#include "base/failure.h"
#include "base/limits.h"

using namespace standpipe;
using namespace standpipe::log;

namespace {

// Writes messages of fixed size (whole frames for the log's purposes) and reads them back by cursor.
class Fixture {
 public:
  explicit Fixture(LogOptions with = {.id = 0, .size_max = 256 * KiB, .readers = 2}, std::uint64_t memory = 4 * MiB)
      : options(with), keeping({.memory_max = memory, .logs = 2}), arena(keeping), log(arena, options) {}

  bool append(const std::string& text, std::uint64_t set = 3) {
    if (!feed(text)) return false;
    const std::vector<std::uint64_t> sets(log.set_words(), set);
    while (!log.add_run(text.size(), 1, ++time_, 1, sets))
      if (!log.make_room_for_index()) return false;
    return true;
  }
  bool feed(std::string_view bytes, std::uint64_t frame = 0) {
    while (!bytes.empty()) {
      const auto room = log.room(std::max<std::uint64_t>(frame, log.partial_bytes() + bytes.size()));
      if (room.empty()) return false;
      const auto n = std::min(room.size(), bytes.size());
      std::memcpy(room.data(), bytes.data(), n);
      log.filled(n);
      bytes.remove_prefix(n);
    }
    return true;
  }
  std::string read(Cursor& at, std::size_t bit = 0) {
    std::string out;
    while (const auto piece = log.read(at, bit)) {
      out.append(reinterpret_cast<const char*>(piece->bytes.data()), piece->bytes.size());
      at = piece->end;
    }
    return out;
  }

  LogOptions options;
  Memory keeping;
  Arena arena;
  Log log;

 private:
  std::uint64_t time_ = 0;
};

// The next worker's view of the same log.
struct Successor {
  explicit Successor(const Fixture& f) : keeping(Fd(::dup(f.keeping.fd()))), arena(keeping), log(arena, f.options) {}

  Memory keeping;
  Arena arena;
  Log log;
};

}  // namespace

TEST_CASE("what was appended is read back, by every reader that wants it") {
  Fixture f;
  Cursor first = f.log.end(), second = f.log.end();
  f.append("both ", 3);
  f.append("first ", 1);
  f.append("second ", 2);
  CHECK(f.read(first, 0) == "both first ");
  CHECK(f.read(second, 1) == "both second ");
  CHECK(first == f.log.end());
  f.log.check_invariants();
}

TEST_CASE("an empty log holds no memory, and positions go on") {
  Fixture f;
  f.append("one");
  const auto end = f.log.end();
  f.log.trim(end);
  CHECK(f.log.memory() == 0);
  Cursor at = end;
  f.append("two");
  CHECK(f.read(at) == "two");
  CHECK(f.log.end().position == end.position + 3);
  CHECK(f.log.end().sequence.number == 3);
}

TEST_CASE("a full log takes no more until it is trimmed") {
  Fixture f({.id = 0, .size_max = 64 * KiB, .readers = 1});
  const std::string kilobyte(1024, 'x');
  std::size_t taken = 0;
  while (f.append(kilobyte, 1)) ++taken;
  CHECK(taken > 40);
  CHECK(taken < 64);
  CHECK(f.log.memory() <= 64 * KiB);
  CHECK_FALSE(f.log.waits_for_arena());
  f.log.trim(f.log.end());
  CHECK(f.append(kilobyte, 1));
  f.log.check_invariants();
}

TEST_CASE("an unfinished frame moves to a segment that holds all of it") {
  Fixture f({.id = 0, .size_max = 64 * KiB, .readers = 1});
  Cursor at = f.log.end();
  f.append(std::string(10000, 'a'), 1);
  REQUIRE(f.feed(std::string(1000, 'b')));  // how long it is was not known yet
  CHECK(f.read(at) == std::string(10000, 'a'));
  f.log.trim(at);
  REQUIRE(f.feed(std::string(199'000, 'b'), 200'000));
  const std::uint64_t set = 1;
  REQUIRE(f.log.add_run(200'000, 1, 1, 1, {&set, 1}));
  CHECK(f.read(at) == std::string(200'000, 'b'));
  f.log.trim(at);
  CHECK(f.log.memory() == 0);
  CHECK(f.arena.shared_used() == 0);
}

TEST_CASE("a frame larger than the log's size is let in when nothing else waits, and not before") {
  Fixture f({.id = 0, .size_max = 16 * KiB, .readers = 1});
  f.append("waits", 1);
  f.feed("head", 1 * MiB);
  CHECK(f.log.room(1 * MiB).empty());
  f.log.trim(f.log.end());
  CHECK(f.log.room(1 * MiB).size() >= 1 * MiB - 4);
}

TEST_CASE("what was not indexed is dropped without a trace") {
  Fixture f;
  f.append("whole");
  f.feed("torn");
  CHECK(f.log.drop_unindexed() == 4);
  Cursor at;
  CHECK(f.read(at) == "whole");
  f.append("next");
  CHECK(f.read(at) == "next");
  f.log.check_invariants();
}

TEST_CASE("a log that takes all shared memory leaves the others their guarantee") {
  Memory keeping({.memory_max = 1 * MiB, .logs = 2});
  Arena arena(keeping);
  Log greedy(arena, {.id = 0, .size_max = 1 * GiB, .readers = 1});
  Log modest(arena, {.id = 1, .size_max = 1 * GiB, .readers = 1});
  const std::uint64_t set = 1;
  for (auto room = greedy.room(0); !room.empty(); room = greedy.room(0)) {
    greedy.filled(room.size());
    REQUIRE(greedy.add_run(room.size(), 1, 1, 1, {&set, 1}));
  }
  CHECK(greedy.waits_for_arena());
  CHECK(greedy.memory() <= 1 * MiB - arena.guaranteed_bytes());
  CHECK(modest.room(100).size() >= 4096);
  CHECK(modest.memory() == arena.guaranteed_bytes());
}

TEST_CASE("a large request has its turn though others go on asking") {
  Memory keeping({.memory_max = 8 * MiB, .logs = 3});
  Arena arena(keeping);
  const auto most = arena.shared_bytes();
  const auto a = arena.lend(most / 2, 0);
  REQUIRE(a);
  CHECK_FALSE(arena.lend(most - 8192, 1));    // must wait
  CHECK_FALSE(arena.lend(1 * MiB, 2));        // large, behind it
  CHECK_FALSE(arena.lend(kSegmentBytes, 2));  // more than a quarter is in use already
  arena.give_back(*a, 0);
  CHECK_FALSE(arena.lend(1 * MiB, 2));  // still not its turn
  const auto big = arena.lend(most - 8192, 1);
  REQUIRE(big);
  arena.give_back(*big, 1);
  CHECK(arena.lend(1 * MiB, 2));
}

TEST_CASE("a large request that is withdrawn lets the next one through") {
  Memory keeping({.memory_max = 8 * MiB, .logs = 3});
  Arena arena(keeping);
  REQUIRE(arena.lend(arena.shared_bytes() / 2, 0));
  CHECK_FALSE(arena.lend(arena.shared_bytes(), 1));
  CHECK_FALSE(arena.lend(1 * MiB, 2));
  arena.withdraw(1);
  CHECK(arena.lend(1 * MiB, 2));
}

TEST_CASE("memory of a large frame is lent again, still warm, to one that is a little smaller") {
  Memory keeping({.memory_max = 8 * MiB});
  Arena arena(keeping);
  const auto first = arena.lend(1 * MiB, 0);
  arena.give_back(*first, 0);
  const auto second = arena.lend(900 * KiB, 0);
  CHECK(second->offset == first->offset);
  CHECK(arena.shared_used() == 1 * MiB);
  arena.give_back(*second, 0);
  CHECK(arena.shared_used() == 0);
}

TEST_CASE("warm memory is not lent where it would exceed what may be taken") {
  Memory keeping({.memory_max = 8 * MiB});
  Arena arena(keeping);
  arena.give_back(*arena.lend(1 * MiB, 0), 0);
  CHECK(arena.lend(900 * KiB, 0, 900 * KiB)->bytes == 900 * KiB);
}

TEST_CASE("all shared memory can be lent, whatever is kept warm") {
  Memory keeping({.memory_max = 8 * MiB});
  Arena arena(keeping);
  for (const auto size : {2 * MiB, 300 * KiB, 256 * KiB, 700 * KiB}) arena.give_back(*arena.lend(size, 0), 0);
  CHECK(arena.lend(arena.shared_bytes() / 4096 * 4096, 0).has_value());
}

TEST_CASE("a log with more memory than it asked for has it after a death, too, and nobody else") {
  Fixture f({.id = 0, .size_max = 4 * MiB, .readers = 2}, 8 * MiB);
  f.arena.give_back(*f.arena.lend(1 * MiB, 0), 0);
  f.append(std::string(900 * KiB, 'x'));
  f.keeping.commit();
  REQUIRE(f.log.memory() == 1 * MiB);
  Successor next(f);
  CHECK(next.log.memory() == 1 * MiB);
  CHECK(next.arena.shared_used() == 1 * MiB);
}

TEST_CASE("bytes from a pipe begin aside of their page's begin, whatever lies before them") {
  const auto place = [](std::size_t partial) {
    Fixture f;
    f.feed(std::string(f.log.room(0).size(), 'x'));
    f.log.add_run(f.log.partial_bytes() - partial, 1, 1, 1, std::vector<std::uint64_t>{1});
    return reinterpret_cast<std::uintptr_t>(f.log.room(0).data()) % 4096;
  };
  for (const std::size_t partial : {1, 4, 31, 100, 4095, 4096, 9000}) {
    CHECK(place(partial) >= 512);
    CHECK(place(partial) <= 4096 - 512);
  }
}

TEST_CASE("a successor finds a log's bytes where they are, whatever lay before them") {
  for (const std::size_t partial : {0, 4, 1000, 4000}) {
    Fixture f;
    Cursor at = f.log.end();
    f.append("passed");
    f.feed(std::string(partial, 'x'));
    f.log.trim(f.log.end());
    at = f.log.end();
    f.feed("rest");
    f.log.add_run(partial + 4, 1, 1, 1, std::vector<std::uint64_t>{1});
    f.keeping.commit();
    Successor next(f);
    CHECK(next.log.read(at, 0)->bytes.size() == partial + 4);
    CHECK(next.log.room(0).data() - next.arena.at(0) == f.log.room(0).data() - f.arena.at(0));
  }
}

TEST_CASE("a segment that was being rewound when its worker died is as it was before") {
  for (const std::size_t passed : {1, 700, 3950, 9000}) {
    for (const std::size_t partial : {1, 600, 3900, 6000}) {
      Memory keeping({.memory_max = 4 * MiB, .logs = 2});
      Arena arena(keeping);
      Segment segment(keeping, *arena.lend(64 * KiB, 0), {}, 1);
      segment.adopt({});
      std::string rest(partial, '\0');
      for (std::size_t i = 0; i < partial; ++i) rest[i] = static_cast<char>(i % 251);
      const std::string text = std::string(passed, 'p') + rest;
      std::memcpy(segment.room(0).data(), text.data(), text.size());
      segment.fill(static_cast<std::uint32_t>(text.size()));
      segment.add_run(static_cast<std::uint32_t>(passed), 1, {1}, 1, 1, std::vector<std::uint64_t>{1});
      keeping.commit();
      if (!segment.can_rewind()) continue;
      segment.rewind({passed});
      Memory next(Fd(::dup(keeping.fd())));
      const Segment same(next, segment.extent().offset, 1);
      CHECK(same.indexed() == passed);
      CHECK(std::string(reinterpret_cast<const char*>(same.unindexed().data()), same.unindexed().size()) == rest);
    }
  }
}

TEST_CASE("too little memory for the guarantees is refused with the number that is needed") {
  try {
    Memory keeping({.memory_max = 1 * MiB, .logs = 1000});
    Arena arena(keeping);
    FAIL("was accepted");
  } catch (const Failure& f) {
    CHECK(std::string(f.what()) == "memory_max 1MiB is too small for 1,000 sources");
    CHECK(f.help() == "each source is guaranteed 16KiB: set memory_max to at least 32000KiB");
  }
}

TEST_CASE("thousands of tiny frames, each for another reader, fill the index before the bytes, and none is lost") {
  Fixture f({.id = 0, .size_max = 64 * KiB, .readers = 100, .runs_are_short = true});
  Cursor at[2];
  std::string sent[2], got[2];
  for (int i = 0; i < 50'000; ++i) {
    const std::string text = std::to_string(i % 7);
    std::vector<std::uint64_t> set(f.log.set_words());
    set[(i % 2) * 1] = 1;  // reader 0 or reader 64
    while (!f.feed(text)) {
      got[0] += f.read(at[0], 0);
      got[1] += f.read(at[1], 64);
      f.log.trim(std::min(at[0], at[1]));
    }
    while (!f.log.add_run(1, 1, 1, 1, set)) {
      if (f.log.make_room_for_index()) continue;
      got[0] += f.read(at[0], 0);
      got[1] += f.read(at[1], 64);
      f.log.trim(std::min(at[0], at[1]));
    }
    sent[i % 2] += text;
  }
  got[0] += f.read(at[0], 0);
  got[1] += f.read(at[1], 64);
  CHECK(got[0] == sent[0]);
  CHECK(got[1] == sent[1]);
}

TEST_CASE("any mix of appending, reading and trimming keeps order, content and the bounds") {
  for (unsigned seed = 0; seed < 30; ++seed) {
    std::mt19937 random(seed);
    Fixture f({.id = 0, .size_max = (16u << (seed % 4)) * KiB, .readers = 3, .runs_are_short = seed % 2 == 0}, 2 * MiB);
    std::string sent[3], got[3];
    Cursor at[3];
    for (int step = 0; step < 3000; ++step) {
      const auto what = random() % 4;
      if (what < 2) {
        const std::string text(random() % (step % 50 == 0 ? 40'000 : 300), static_cast<char>('a' + step % 26));
        const auto set = random() % 8;
        if (text.empty() || f.log.partial_bytes()) continue;
        if (!f.append(text, set)) {
          f.log.drop_unindexed();
          continue;
        }
        for (unsigned r = 0; r < 3; ++r)
          if (set >> r & 1) sent[r] += text;
      } else {
        const auto r = random() % 3;
        if (const auto piece = f.log.read(at[r], r)) {
          got[r].append(reinterpret_cast<const char*>(piece->bytes.data()), piece->bytes.size());
          at[r] = piece->end;
        }
        if (what == 3) f.log.trim(std::min({at[0], at[1], at[2]}));
      }
      f.log.check_invariants();
    }
    for (unsigned r = 0; r < 3; ++r) {
      while (const auto piece = f.log.read(at[r], r)) {
        got[r].append(reinterpret_cast<const char*>(piece->bytes.data()), piece->bytes.size());
        at[r] = piece->end;
      }
      CHECK(got[r] == sent[r]);
    }
  }
}

namespace {

// A log whose worker dies: what it holds, now and as of the last commit, is written down beside it.
class Mortal {
 public:
  explicit Mortal(const LogOptions& options)
      : options_(options), memory_(std::make_unique<Memory>(MemoryPlan{.memory_max = 2 * MiB, .logs = 2})) {
    take_up();
  }
  void crash() {
    auto next = std::make_unique<Memory>(Fd(::dup(memory_->fd())));
    log_.reset();
    arena_.reset();
    memory_ = std::move(next);
    now_ = committed_;
    take_up();
  }
  void commit() {
    memory_->commit();
    look();
  }

  void feed(const std::string& text) {
    const auto room = log_->room(now_.open.size() + text.size());
    look();
    if (room.size() < text.size()) return;
    std::memcpy(room.data(), text.data(), text.size());
    log_->filled(text.size());
    now_.open += text;
  }
  void add_run(std::size_t bytes, std::uint32_t count, std::uint64_t set) {
    if (bytes < count || !log_->add_run(bytes, count, ++time_ / 3, 1, {&set, 1})) return;
    now_.end = {now_.end.position + bytes, now_.end.sequence + count};
    now_.runs.push_back({now_.open.substr(0, bytes), set, now_.end});
    now_.open.erase(0, bytes);
  }
  void grow() {
    (void)log_->make_room_for_index();
    look();
  }
  void drop_unindexed() {
    log_->drop_unindexed();
    now_.open.clear();
    look();
  }
  void trim(std::size_t runs) {
    for (; runs > 0 && !now_.runs.empty(); --runs) {
      now_.trimmed = now_.runs.front().end;
      now_.runs.pop_front();
    }
    log_->trim(now_.trimmed);
    look();
  }
  std::size_t runs() const { return now_.runs.size(); }
  std::size_t open() const { return now_.open.size(); }

  void check() const {
    log_->check_invariants();
    REQUIRE(log_->trimmed() == now_.trimmed);
    REQUIRE(log_->end() == now_.end);
    REQUIRE(log_->end().sequence == now_.end.sequence);
    const auto open = log_->unindexed();
    REQUIRE(std::string_view(reinterpret_cast<const char*>(open.data()), open.size()) == now_.open);
    for (unsigned r = 0; r < 2; ++r) {
      std::string want, got;
      for (const auto& run : now_.runs)
        if (run.set >> r & 1) want += run.text;
      auto cursor = now_.trimmed;
      while (const auto piece = log_->read(cursor, r)) {
        got.append(reinterpret_cast<const char*>(piece->bytes.data()), piece->bytes.size());
        cursor = piece->end;
      }
      REQUIRE(got == want);
    }
  }
  // Bytes of memory that are lent out: of the other log none.
  std::uint64_t lent() const { return arena_->shared_used(); }
  std::uint64_t memory() const { return log_->memory(); }

 private:
  struct Run {
    std::string text;
    std::uint64_t set;
    Cursor end;
  };
  struct State {
    std::deque<Run> runs;  // from `trimmed` on
    std::string open;
    Cursor trimmed, end;
  };
  // Some verbs of a log commit themselves, with what was changed before.
  void look() {
    if (!memory_->pending()) committed_ = now_;
  }
  void take_up() {
    arena_.emplace(*memory_);
    log_.emplace(*arena_, options_);
    arena_->forget_unclaimed();
    look();
  }

  LogOptions options_;
  std::unique_ptr<Memory> memory_;
  std::optional<Arena> arena_;
  std::optional<Log> log_;
  State now_, committed_;
  std::uint64_t time_ = 0;
};

}  // namespace

TEST_CASE("a death between any two changes leaves the log as of the last commit, byte for byte, and it goes on", "[exhaustive]") {
  for (unsigned seed = 0; seed < 40; ++seed) {
    std::mt19937 random(seed);
    Mortal log({.id = seed % 2, .size_max = (16u << (seed % 5)) * KiB, .readers = 2, .runs_are_short = seed % 3 == 0});
    for (int step = 0; step < 1500; ++step) {
      const auto what = random() % 12;
      if (what < 4) log.feed(std::string(1 + random() % (step % 40 ? 400 : 50'000), static_cast<char>('a' + step % 26)));
      if (what >= 4 && what < 7)
        log.add_run(log.open() - random() % (log.open() / 2 + 1), static_cast<std::uint32_t>(1 + random() % 3), random() % 4);
      if (what == 7) log.grow();
      if (what == 8) log.trim(random() % 2 ? log.runs() : random() % 10);  // all: the next room rewinds
      if (what == 9 && random() % 4 == 0) log.drop_unindexed();
      if (what == 10) log.commit();
      if (random() % 8 == 0) log.crash();
      log.check();
    }
    log.drop_unindexed();
    log.trim(log.runs());
    log.crash();
    log.check();
    CHECK(log.memory() == 0);
    CHECK(log.lent() == 0);
  }
}

TEST_CASE("a log gets room for its largest frame whatever the others hold") {
  Memory keeping({.memory_max = 64 * MiB, .logs = 8});
  Arena arena(keeping);
  std::vector<std::unique_ptr<Log>> logs;
  for (std::size_t i = 0; i < 8; ++i)
    logs.push_back(std::make_unique<Log>(arena, LogOptions{.id = i, .size_max = 64 * MiB, .frame_max = 4 * MiB}));
  for (std::size_t dead = 0; dead < 7; ++dead)
    while (arena.lend(kSegmentBytes, dead)) {
    }
  CHECK(arena.lend(5 * MiB, 6) == std::nullopt);
  CHECK(arena.large_waits());
  const auto frame = logs[7]->room(4 * MiB);
  CHECK(frame.size() >= 4 * MiB);
}

TEST_CASE("what nobody is entitled to is for whoever comes first, and what others have is counted once") {
  Memory keeping({.memory_max = 64 * MiB, .logs = 2});
  Arena arena(keeping);
  arena.entitle(0, 8 * MiB);
  arena.entitle(1, 60 * MiB);  // more than there is for it
  CHECK(arena.entitlement(0) == 8 * MiB);
  CHECK(arena.entitlement(1) == arena.shared_bytes() / 4 * 3 / 2);
  std::uint64_t held = 0;
  while (const auto extent = arena.lend(kSegmentBytes, 0)) held += extent->bytes;
  CHECK(held + arena.entitlement(1) + kSegmentBytes > arena.shared_bytes());
  CHECK(held + arena.entitlement(1) <= arena.shared_bytes());
  CHECK(arena.lend(arena.entitlement(1), 1));
  CHECK_FALSE(arena.lend(kSegmentBytes, 1));
}

TEST_CASE("of frames that are larger than what a log is entitled to, one that stands still keeps one from the others") {
  Memory keeping({.memory_max = 16 * MiB, .logs = 8});
  Arena arena(keeping);
  for (std::size_t i = 0; i < 8; ++i) arena.entitle(i, 4 * MiB);
  REQUIRE(arena.entitlement(0) < 2 * MiB);
  CHECK(arena.lend(4 * MiB, 0));
  CHECK_FALSE(arena.lend(4 * MiB, 0));
  arena.withdraw(0);
  CHECK(arena.lend(4 * MiB, 1));
  CHECK(arena.lend(4 * MiB, 2));
}
