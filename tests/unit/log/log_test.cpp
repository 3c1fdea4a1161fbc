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
#include "log/meta_block.h"

using namespace standpipe;
using namespace standpipe::log;
using namespace standpipe::state;

namespace {

// Writes messages of fixed size (whole frames for the log's purposes) and reads them back by
// cursor.
class Fixture {
 public:
  explicit Fixture(LogOptions with = {.id = 0, .size_max = 256 * KiB, .readers = 2},
                   std::uint64_t memory = 4 * MiB)
      : options(with),
        keeping({.memory_max = memory, .logs = 2}),
        arena(keeping),
        log(arena, options) {}

  bool append(const std::string& text, std::uint64_t set = 3) {
    if (!feed(text)) return false;
    const std::vector<std::uint64_t> sets(log.set_words(), set);
    while (!log.add_run(text.size(), 1, ++time_, 1, sets))
      if (!log.make_room_for_index()) return false;
    return true;
  }
  bool feed(std::string_view bytes, std::uint64_t frame = 0) {
    while (!bytes.empty()) {
      const auto room =
          log.room(std::max<std::uint64_t>(frame, log.incomplete_bytes() + bytes.size()));
      if (room.empty()) return false;
      const auto n = std::min(room.size(), bytes.size());
      std::memcpy(room.data(), bytes.data(), n);
      log.filled(n);
      bytes.remove_prefix(n);
    }
    return true;
  }
  // Messages with their metadata, one block for all: {"one", "two"} are described by "k=one",
  // "k=two".
  bool append_described(const std::vector<std::string>& texts, std::uint64_t set = 3) {
    MetaBlockWriter block;
    std::size_t bytes = 0;
    for (const auto& text : texts) {
      REQUIRE(block.add("k", std::as_bytes(std::span(text))));
      block.end_message();
      bytes += text.size();
    }
    auto room = log.add_block(block.finish(), bytes, block.count());
    if (room.empty()) return false;
    REQUIRE(room.size() == bytes);
    for (const auto& text : texts) {
      std::memcpy(room.data(), text.data(), text.size());
      room = room.subspan(text.size());
    }
    log.filled(bytes);
    const std::vector<std::uint64_t> sets(log.set_words(), set);
    for (const auto& text : texts) REQUIRE(log.add_run(text.size(), 1, ++time_, 1, sets));
    return true;
  }
  std::string meta(Cursor at) const {
    std::string out;
    FieldReader in(log.fields_of(at));
    while (const auto field = in.next())
      out += std::string(field->name) + '=' +
             std::string(reinterpret_cast<const char*>(field->value.data()), field->value.size());
    CHECK(in.ok());
    return out;
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
  explicit Successor(const Fixture& f)
      : keeping(Fd(::dup(f.keeping.fd()))), arena(keeping), log(arena, f.options) {}

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

TEST_CASE(
    "when the next wanted frame was accepted is found among few runs, and beyond is not looked") {
  Fixture f;
  const auto append_at = [&](std::uint64_t time, std::uint64_t set) {
    const auto room = f.log.room(4);
    std::memcpy(room.data(), "text", 4);
    f.log.filled(4);
    while (!f.log.add_run(4, 1, time, 0, {&set, 1})) REQUIRE(f.log.make_room_for_index());
  };
  const auto begin = f.log.end();
  CHECK_FALSE(f.log.time_of_next(begin, 0));
  append_at(10, 2);
  append_at(20, 1);
  CHECK(f.log.time_of_next(begin, 0) == 20u);
  CHECK(f.log.time_of_next(begin, 1) == 10u);
  const auto after = f.log.end();
  CHECK_FALSE(f.log.time_of_next(after, 1));
  for (std::uint64_t i = 0; i < 2'000; ++i) append_at(100 + i, 1);  // several segments
  append_at(7, 2);
  CHECK(f.log.time_of_next(after, 0) == 100u);
  CHECK_FALSE(f.log.time_of_next(after, 1));  // it is there, and too far away
  auto near_end = after;
  (void)f.log.read(near_end, 1);
  CHECK(f.log.time_of_next(near_end, 1) == 7u);
}

TEST_CASE("readers step over metadata blocks, and each message has its own") {
  Fixture f;
  Cursor at = f.log.end();
  f.append("bare ");
  f.append_described({"one ", "two "});
  f.append_described({"three "}, 1);
  f.append("none ");
  Cursor first = at, second = at;
  CHECK(f.read(first, 0) == "bare one two three none ");
  CHECK(f.read(second, 1) == "bare one two none ");
  CHECK(f.log.end().sequence.number == 6);
  CHECK(f.log.count_from(at, 0) == 5);
  CHECK(f.log.count_from(at, 1) == 4);
  std::string found;
  while (const auto piece = f.log.read(at, 0)) {
    found += f.meta(piece->begin) + '|';
    at = piece->end;
  }
  CHECK(found == "|k=one |k=two |k=three ||");
  CHECK(f.meta(f.log.end()).empty());
  f.log.check_invariants();
}

TEST_CASE("a run of several frames after a block: each of them has its own metadata") {
  Fixture f;
  MetaBlockWriter block;
  for (int i = 0; i < 3; ++i) {
    const std::string value(static_cast<std::size_t>(i), 'x');
    if (i > 0) REQUIRE(block.add("k", std::as_bytes(std::span(value))));
    block.end_message();
  }
  const auto begin = f.log.end();
  const auto room = f.log.add_block(block.finish(), 9, 3);
  REQUIRE(room.size() == 9);
  std::memcpy(room.data(), "aaabbbccc", 9);
  f.log.filled(9);
  const std::uint64_t set = 1;
  REQUIRE(f.log.add_run(9, 3, 1, 1, {&set, 1}));
  Cursor at = begin;
  const auto piece = f.log.read(at, 0);
  REQUIRE(piece);
  CHECK(piece->count == 3);
  const auto frame = [&](std::uint64_t i) {
    return Cursor{piece->begin.position + 3 * i, piece->begin.sequence + i};
  };
  CHECK(f.meta(frame(0)).empty());
  CHECK(f.meta(frame(1)) == "k=x");
  CHECK(f.meta(frame(2)) == "k=xx");
}

TEST_CASE("frames that nobody wants, without a time, are no part of the block before them") {
  Fixture f;
  MetaBlockWriter block;
  REQUIRE(block.add("k", {}));
  block.end_message();
  const auto room = f.log.add_block(block.finish(), 4, 1);
  std::memcpy(room.data(), "text", 4);
  f.log.filled(4);
  const std::uint64_t nobody = 0;
  REQUIRE(f.log.add_run(4, 1, 0, 0, {&nobody, 1}));
  CHECK(f.meta({{f.log.end().position.bytes - 4}, {1}}) == "k=");
}

TEST_CASE("a block and its frames lie in one segment, however little is left of the last one") {
  for (std::size_t half = 2'600; half < 2'900; ++half) {  // of what is left of 16 KiB
    Fixture f({.id = 0, .size_max = 64 * KiB, .readers = 2});
    f.append(std::string(10'000, 'a'));
    f.append_described({std::string(half, 'b')});
    const auto begin = f.log.end();
    Cursor at = begin;
    REQUIRE(f.append_described({"one", "two", "three"}));
    CHECK(f.read(at) == "onetwothree");
    std::string found;
    at = begin;
    while (const auto piece = f.log.read(at, 0)) {
      found += f.meta(piece->begin);
      at = piece->end;
    }
    CHECK(found == "k=onek=twok=three");
    f.log.check_invariants();
  }
}

TEST_CASE("a log without room takes neither a block nor its frames") {
  Fixture f({.id = 0, .size_max = 64 * KiB, .readers = 1});
  const std::string kilobyte(1024, 'x');
  std::size_t taken = 0;
  while (f.append_described({kilobyte}, 1)) ++taken;
  CHECK(taken > 20);
  CHECK(taken < 32);  // its metadata is as large as the message
  CHECK(f.log.memory() <= 64 * KiB);
  const auto end = f.log.end();
  CHECK_FALSE(f.append_described({kilobyte}, 1));
  CHECK(f.log.end() == end);
  f.log.trim(end);
  CHECK(f.log.memory() == 0);
  CHECK(f.append_described({kilobyte}, 1));
  f.log.check_invariants();
}

TEST_CASE(
    "a block that was not committed with its frames is gone with its worker, and one that was is "
    "there") {
  Fixture f;
  f.append_described({"kept"});
  f.keeping.commit();
  const auto end = f.log.end();
  f.append_described({"lost"});
  Successor next(f);
  CHECK(next.log.end() == end);
  Cursor at;
  const auto piece = next.log.read(at, 0);
  REQUIRE(piece);
  FieldReader in(next.log.fields_of(piece->begin));
  const auto field = in.next();
  REQUIRE(field);
  CHECK(std::string_view(reinterpret_cast<const char*>(field->value.data()), field->value.size()) ==
        "kept");
  next.log.check_invariants();
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

TEST_CASE("what somebody still reads stays as it is, though the log goes on, and goes after that") {
  Fixture f({.id = 0, .size_max = 64 * KiB, .readers = 2});
  const std::string first(1000, 'a'), later(1000, 'b');
  REQUIRE(f.append(first));
  Cursor at = f.log.trimmed();
  const auto piece = f.log.read(at, 0);
  REQUIRE(piece);
  const auto lent = f.arena.shared_used();
  f.log.pin(1, piece->begin.position, piece->end.position);
  for (int i = 0; i < 1000; ++i) {
    f.log.trim(f.log.end());
    REQUIRE(f.append(later));
  }
  CHECK(std::string(reinterpret_cast<const char*>(piece->bytes.data()), piece->bytes.size()) ==
        first);
  f.log.check_invariants();
  CHECK(f.log.memory() <= 64 * KiB);
  f.log.trim(f.log.end());
  CHECK(f.log.memory() == 0);
  CHECK(f.arena.shared_used() + f.arena.guaranteed_bytes() >= lent);  // it is not lent to others
  const auto before = f.arena.releases() + f.arena.shared_used();
  f.log.unpin(1);
  CHECK(f.arena.shared_used() == 0);
  CHECK(before > 0);
  for (int i = 0; i < 100; ++i) {  // its guarantee, too, is there again
    REQUIRE(f.append(later));
    f.log.trim(f.log.end());
  }
}

TEST_CASE("an incomplete frame moves to a segment that holds all of it") {
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
  f.feed("half");
  CHECK(f.log.drop_incomplete() == 4);
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
  const auto place = [](std::size_t incomplete) {
    Fixture f;
    f.feed(std::string(f.log.room(0).size(), 'x'));
    f.log.add_run(f.log.incomplete_bytes() - incomplete, 1, 1, 1, std::vector<std::uint64_t>{1});
    return reinterpret_cast<std::uintptr_t>(f.log.room(0).data()) % 4096;
  };
  for (const std::size_t incomplete : {1, 4, 31, 100, 4095, 4096, 9000}) {
    CHECK(place(incomplete) >= 512);
    CHECK(place(incomplete) <= 4096 - 512);
  }
}

TEST_CASE("a successor finds a log's bytes where they are, whatever lay before them") {
  for (const std::size_t incomplete : {0, 4, 1000, 4000}) {
    Fixture f;
    Cursor at = f.log.end();
    f.append("passed");
    f.feed(std::string(incomplete, 'x'));
    f.log.trim(f.log.end());
    at = f.log.end();
    f.feed("rest");
    f.log.add_run(incomplete + 4, 1, 1, 1, std::vector<std::uint64_t>{1});
    f.keeping.commit();
    Successor next(f);
    CHECK(next.log.read(at, 0)->bytes.size() == incomplete + 4);
    CHECK(next.log.room(0).data() - next.arena.at(0) == f.log.room(0).data() - f.arena.at(0));
  }
}

TEST_CASE(
    "thousands of tiny frames, each for another reader, fill the index before the bytes, and none "
    "is lost") {
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
    Fixture f({.id = 0,
               .size_max = (16u << (seed % 4)) * KiB,
               .readers = 3,
               .runs_are_short = seed % 2 == 0},
              2 * MiB);
    std::string sent[3], got[3];
    Cursor at[3];
    for (int step = 0; step < 3000; ++step) {
      const auto what = random() % 4;
      if (what < 2) {
        const std::string text(random() % (step % 50 == 0 ? 40'000 : 300),
                               static_cast<char>('a' + step % 26));
        const auto set = random() % 8;
        if (text.empty() || f.log.incomplete_bytes()) continue;
        if (!f.append(text, set)) {
          f.log.drop_incomplete();
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

// ---- another configuration on the same memory

namespace {

// A log whose worker dies, and whose next worker has more readers, or fewer: what it holds, now and
// as of the last commit, is written down beside it.
class Mortal {
 public:
  explicit Mortal(const LogOptions& options)
      : options_(options),
        memory_(std::make_unique<Memory>(MemoryPlan{.memory_max = 2 * MiB, .logs = 2})) {
    recover();
  }
  void crash() {
    auto next = std::make_unique<Memory>(Fd(::dup(memory_->fd())));
    log_.reset();
    arena_.reset();
    memory_ = std::move(next);
    now_ = committed_;
    options_.readers = kReaders[++deaths_ % 3];
    recover();
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
    std::vector<std::uint64_t> sets(log_->set_words());
    sets.back() = sets.front() = set;
    if (bytes < count || !log_->add_run(bytes, count, ++time_ / 3, 1, sets)) return;
    now_.end = {now_.end.position + bytes, now_.end.sequence + count};
    now_.runs.push_back({now_.open.substr(0, bytes), set, sets.size(), now_.end, count, {}});
    now_.open.erase(0, bytes);
  }
  // A message with metadata, if nothing is open.
  void describe(const std::string& text, std::uint64_t set) {
    if (!now_.open.empty()) return;
    commit();  // add_block may commit what is pending, and nobody sees whether it did
    MetaBlockWriter block;
    REQUIRE(block.add("k", std::as_bytes(std::span(text).first(text.size() % 200))));
    block.end_message();
    const auto bytes = block.finish();
    const auto room = log_->add_block(bytes, text.size(), 1);
    if (room.empty()) return look();
    std::memcpy(room.data(), text.data(), text.size());
    log_->filled(text.size());
    std::vector<std::uint64_t> sets(log_->set_words());
    sets.back() = sets.front() = set;
    REQUIRE(log_->add_run(text.size(), 1, ++time_ / 3, 1, sets));
    now_.end = {now_.end.position + bytes.size() + text.size(), now_.end.sequence + 1};
    now_.runs.push_back({text, set, sets.size(), now_.end, 1, text.substr(0, text.size() % 200)});
  }
  void grow() {
    (void)log_->make_room_for_index();
    look();
  }
  void drop_incomplete() {
    log_->drop_incomplete();
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
    for (std::size_t r = 0; r < options_.readers; ++r) {
      if (r % 64 > 1) continue;
      std::string want, got;
      for (const auto& run : now_.runs)
        if ((r < 64 || r / 64 == run.words - 1) && run.set >> r % 64 & 1) want += run.text;
      auto cursor = now_.trimmed;
      while (const auto piece = log_->read(cursor, r)) {
        got.append(reinterpret_cast<const char*>(piece->bytes.data()), piece->bytes.size());
        cursor = piece->end;
      }
      REQUIRE(got == want);
    }
    for (const auto& run : now_.runs) REQUIRE(meta_of(run) == run.meta);
  }
  // Bytes of memory that are lent out: of the other log none.
  std::uint64_t lent() const { return arena_->shared_used(); }
  std::uint64_t memory() const { return log_->memory(); }

 private:
  struct Run {
    std::string text;
    std::uint64_t set;  // in the first word and in the last
    std::size_t words;
    Cursor end;
    std::uint32_t count;
    std::optional<std::string> meta;  // of its only frame
  };
  std::optional<std::string> meta_of(const Run& run) const {
    const Cursor begin{{run.end.position.bytes - run.text.size()},
                       {run.end.sequence.number - run.count}};
    FieldReader in(log_->fields_of(begin));
    const auto field = in.next();
    if (!field) return std::nullopt;
    return std::string(reinterpret_cast<const char*>(field->value.data()), field->value.size());
  }
  struct State {
    std::deque<Run> runs;  // from `trimmed` on
    std::string open;
    Cursor trimmed, end;
  };
  // Some verbs of a log commit themselves, with what was changed before.
  void look() {
    if (!memory_->pending()) committed_ = now_;
  }
  void recover() {
    arena_.emplace(*memory_);
    log_.emplace(*arena_, options_);
    arena_->forget_unclaimed();
    look();
  }

  static constexpr std::size_t kReaders[] = {2, 130, 66};

  LogOptions options_;
  std::size_t deaths_ = 0;
  std::unique_ptr<Memory> memory_;
  std::optional<Arena> arena_;
  std::optional<Log> log_;
  State now_, committed_;
  std::uint64_t time_ = 0;
};

}  // namespace

TEST_CASE(
    "a death between any two changes leaves the log as of the last commit, byte for byte, and it "
    "continues",
    "[exhaustive]") {
  for (unsigned seed = 0; seed < 40; ++seed) {
    std::mt19937 random(seed);
    Mortal log({.id = seed % 2,
                .size_max = (16u << (seed % 5)) * KiB,
                .readers = 2,
                .runs_are_short = seed % 3 == 0});
    for (int step = 0; step < 1500; ++step) {
      const auto what = random() % 12;
      if (what < 4)
        log.feed(std::string(1 + random() % (step % 40 ? 400 : 50'000),
                             static_cast<char>('a' + step % 26)));
      if (what >= 4 && what < 7)
        log.add_run(log.open() - random() % (log.open() / 2 + 1),
                    static_cast<std::uint32_t>(1 + random() % 3), random() % 4);
      if (what == 7) log.grow();
      if (what == 8)
        log.trim(random() % 2 ? log.runs() : random() % 10);  // all: the next room rewinds
      if (what == 9 && random() % 4 == 0) log.drop_incomplete();
      if (what == 10) log.commit();
      if (what == 11)
        log.describe(std::string(1 + random() % (step % 40 ? 400 : 20'000),
                                 static_cast<char>('a' + step % 26)),
                     random() % 4);
      if (random() % 8 == 0) log.crash();
      log.check();
    }
    log.drop_incomplete();
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
    logs.push_back(std::make_unique<Log>(
        arena, LogOptions{.id = i, .size_max = 64 * MiB, .frame_max = 4 * MiB}));
  for (std::size_t dead = 0; dead < 7; ++dead)
    while (arena.lend(kSegmentBytes, dead)) {
    }
  CHECK(arena.lend(5 * MiB, 6) == std::nullopt);
  CHECK(arena.large_waits());
  const auto frame = logs[7]->room(4 * MiB);
  CHECK(frame.size() >= 4 * MiB);
}

TEST_CASE("a log may number its messages from elsewhere, and its successor goes on with that") {
  const auto first = (std::uint64_t{1} << 48) + 1;
  Fixture f({.id = 0, .size_max = 256 * KiB, .readers = 2, .first_sequence = first});
  REQUIRE(f.append("one"));
  REQUIRE(f.append("two"));
  f.keeping.commit();
  Successor next(f);
  CHECK(next.log.end().sequence.number == first + 2);
  auto at = next.log.trimmed();
  const auto piece = next.log.read(at, 0);
  REQUIRE(piece);
  CHECK(piece->begin.sequence.number == first);
  CHECK(next.log.count_between(next.log.trimmed(), next.log.end(), 0) == 2);
}

TEST_CASE("room that is reserved stays, though the log is empty, until it is released") {
  Fixture f;
  REQUIRE(f.log.reserve(1000, 3));
  f.log.trim(f.log.end());
  CHECK(f.log.memory() > 0);
  const auto transaction = f.keeping.transaction();
  const auto room = f.log.same_room(1000);
  std::memset(room.data(), 'x', 1000);
  f.log.filled(1000);
  const std::vector<std::uint64_t> one(f.log.set_words(), 1), two(f.log.set_words(), 2);
  REQUIRE(f.log.add_run(500, 1, 1, 1, one));
  REQUIRE(f.log.add_run(300, 1, 1, 1, two));
  REQUIRE(f.log.add_run(200, 1, 1, 1, one));
  CHECK(f.keeping.transaction() == transaction);  // nothing was committed on the way
  f.keeping.commit();
  f.log.release();
  f.log.trim(f.log.end());
  CHECK(f.log.memory() == 0);
}

TEST_CASE("room cannot be reserved where the log is full") {
  Fixture f({.id = 0, .size_max = 64 * KiB, .readers = 2});
  const std::string kilobyte(1024, 'k');
  while (f.append(kilobyte)) f.keeping.commit();
  (void)f.log.drop_incomplete();
  CHECK_FALSE(f.log.reserve(32 * KiB, 10));
  f.log.trim(f.log.end());
  CHECK(f.log.reserve(32 * KiB, 10));
}
