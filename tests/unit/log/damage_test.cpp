// SPDX-License-Identifier: Apache-2.0
// Memory that was written over by a plugin gone wild: either still sound, or refused. Never a
// crash.
#include <fcntl.h>
#include <sys/mman.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <vector>

#include "base/failure.h"
#include "base/limits.h"
#include "log/log.h"
#include "log/meta_block.h"
#include "state/persistent_deque.h"

using namespace standpipe;
using namespace standpipe::log;
using namespace standpipe::state;

namespace {

// As FORMAT.md has them.
constexpr std::uint64_t kHeaderBytes = 768, kUndo = 8192, kUndoUsed = 512, kBlocksUsed = 264;
constexpr std::size_t kItems = 90;

struct Item {
  std::uint64_t value = 0;
  std::uint64_t rest[5] = {};
};

// What a worker left: a log of some segments, the end of a frame in the last; a row of some blocks,
// and free ones; an undo log.
class Fixture {
 public:
  Fixture() : memory_({.memory_max = 1 * MiB, .logs = 2, .deliveries = 1}) {
    Arena arena(memory_);
    Log log(arena, {.id = 0, .size_max = 256 * KiB, .readers = 2});
    Log small(arena, {.id = 1, .size_max = 16 * KiB, .readers = 2});
    for (int i = 0; i < 9; ++i)
      append(log, std::string(11'000, static_cast<char>('a' + i)), 1 + i % 3);
    append(small, "whole", 3);
    describe(log, "described");
    log.trim(first_of(log));
    feed(log, "begun");
    begin_rows();
    memory_.commit();
    for (int i = 0; i < 9; ++i) append(log, "not committed", 1);
    PersistentDeque<Item>(memory_, "row").pop_back();
    remember();
  }

  // What a worker finds that takes this up: "" when it is sound.
  std::string recover(int fd) try {
    Memory memory{Fd(::dup(fd))};
    Arena arena(memory);
    Log log(arena, {.id = 0, .size_max = 256 * KiB, .readers = 2});
    Log small(arena, {.id = 1, .size_max = 16 * KiB, .readers = 2});
    PersistentDeque<Item> row(memory, "row"), other(memory, "other");
    arena.forget_unclaimed();
    use(log);
    use(small);
    use(row);
    use(other);
    for (int i = 0; i < 20; ++i) (void)memory.allocate_block();
    memory.commit();
    return "";
  } catch (const Memory::Damaged& damaged) {
    return damaged.what();
  } catch (const Failure& failure) {
    return failure.what();
  }

  // A copy of it with that byte changed.
  std::string damage(std::uint64_t at, unsigned flip) {
    const Fd fd(::memfd_create("damaged", MFD_CLOEXEC));
    REQUIRE(::ftruncate(fd.get(), static_cast<off_t>(bytes_)) == 0);
    for (const auto& [offset, bytes] : kept_)
      REQUIRE(::pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)) ==
              static_cast<ssize_t>(bytes.size()));
    unsigned char byte = 0;
    REQUIRE(::pread(fd.get(), &byte, 1, static_cast<off_t>(at)) == 1);
    byte ^= static_cast<unsigned char>(flip);
    REQUIRE(::pwrite(fd.get(), &byte, 1, static_cast<off_t>(at)) == 1);
    return recover(fd.get());
  }
  // Every byte of that range, in some ways. Returns how many were refused.
  unsigned damage_all(std::uint64_t begin, std::uint64_t bytes) {
    unsigned refused = 0;
    for (auto at = begin; at < begin + bytes; ++at)
      for (const unsigned flip : {1u, 0x80u, 0xfeu}) refused += !damage(at, flip).empty();
    return refused;
  }
  std::uint64_t word(std::uint64_t at) const {
    std::uint64_t value = 0;
    REQUIRE(::pread(memory_.fd(), &value, sizeof value, static_cast<off_t>(at)) == sizeof value);
    return value;
  }
  std::uint64_t offset_of(const std::string& record) const {
    return static_cast<std::uint64_t>(memory_.find(record).data() - start());
  }
  // Where the first name of the metadata stands.
  std::uint64_t block() const {
    for (const auto& [offset, bytes] : kept_)
      if (const auto at = bytes.find("first-name"); at != std::string::npos)
        return static_cast<std::uint64_t>(offset) + at;
    return 0;
  }
  std::uint64_t arena() const { return memory_.arena_offset(); }
  std::uint64_t blocks() const { return static_cast<std::uint64_t>(memory_.block(0) - start()); }
  const std::vector<std::uint64_t>& segments() const { return segments_; }

 private:
  const std::byte* start() const { return reinterpret_cast<const std::byte*>(&memory_.shared()); }
  static void feed(Log& log, std::string_view text) {
    const auto room = log.room(text.size());
    REQUIRE(room.size() >= text.size());
    std::memcpy(room.data(), text.data(), text.size());
    log.filled(text.size());
  }
  void append(Log& log, const std::string& text, std::uint64_t set) {
    feed(log, text);
    REQUIRE(log.add_run(log.unindexed().size(), 1, ++time_, 1, {&set, 1}));
  }
  void describe(Log& log, const std::string& text) {
    MetaBlockWriter block;
    for (const std::string name : {"first-name", "second-name"})
      REQUIRE(block.add(name, std::as_bytes(std::span(text))));
    block.end_message();
    const auto room = log.add_block(block.finish(), text.size(), 1);
    REQUIRE(room.size() == text.size());
    std::memcpy(room.data(), text.data(), text.size());
    log.filled(text.size());
    const std::uint64_t set = 3;
    REQUIRE(log.add_run(text.size(), 1, ++time_, 1, {&set, 1}));
  }
  static Cursor first_of(Log& log) {
    Cursor at;
    return log.read(at, 0)->end;
  }
  void begin_rows() {
    PersistentDeque<Item> row(memory_, "row"), other(memory_, "other"), gone(memory_, "gone");
    for (std::uint64_t i = 0; i < kItems; ++i)
      row.push_back({i}), other.push_back({i}), gone.push_back({i});
    for (int i = 0; i < 10; ++i) row.pop_front();
    gone.clear();
  }
  void remember() {
    bytes_ = memory_.shared().bytes;
    for (off_t at = 0; (at = ::lseek(memory_.fd(), at, SEEK_DATA)) >= 0;) {
      const auto end = ::lseek(memory_.fd(), at, SEEK_HOLE);
      std::string bytes(static_cast<std::size_t>(end - at), '\0');
      REQUIRE(::pread(memory_.fd(), bytes.data(), bytes.size(), at) ==
              static_cast<ssize_t>(bytes.size()));
      kept_.emplace_back(at, std::move(bytes));
      at = end;
    }
    for (const std::string name : {"log/0", "log/1"})
      for (auto next = word(offset_of(name)); next != 0; next = word(segments_.back() + 8))
        segments_.push_back(arena() + next - 1);
  }
  static void use(Log& log) {
    for (std::size_t bit = 0; bit < 2; ++bit) {
      auto at = log.trimmed();
      std::uint64_t sum = 0;
      while (const auto piece = log.read(at, bit)) {
        for (const auto b : piece->bytes) sum += static_cast<std::uint64_t>(b);
        FieldReader fields(log.fields_of(piece->begin));
        while (const auto field = fields.next())
          for (const auto b : field->value) sum += static_cast<std::uint64_t>(b);
        at = piece->end;
      }
      CHECK(sum < ~std::uint64_t{0});
    }
    const std::uint64_t set = 1;
    if (const auto room = log.room(10); room.size() >= 10) {
      log.filled(10);
      if (!log.add_run(log.unindexed().size(), 1, 1, 1, {&set, 1})) (void)log.make_room_for_index();
    }
    log.trim(log.end());
    log.check_invariants();
  }
  static void use(PersistentDeque<Item>& row) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < row.size(); ++i) sum += row[i].value;
    CHECK(sum < ~std::uint64_t{0});
    if (row.size() + 1 < PersistentDeque<Item>::kMax) row.push_back({});
    if (!row.empty()) row.pop_front();
    row.clear();
  }

  Memory memory_;
  std::uint64_t bytes_ = 0;
  std::vector<std::pair<off_t, std::string>> kept_;  // what was ever touched
  std::vector<std::uint64_t> segments_;
  std::uint64_t time_ = 0;
};

}  // namespace

TEST_CASE("undamaged, it is sound") {
  Fixture f;
  CHECK(f.damage(0, 0) == "");
  CHECK(f.segments().size() >= 3);
}

TEST_CASE("a damaged header is either sound or refused", "[exhaustive]") {
  Fixture f;
  CHECK(f.damage(0, 1) == "it is of another version, or was overwritten");
  CHECK(f.damage_all(0, kHeaderBytes) > 100);
}

TEST_CASE("a damaged undo log is either sound or refused", "[exhaustive]") {
  Fixture f;
  const auto used = f.word(kUndoUsed);
  REQUIRE(used > 0);
  CHECK(f.damage_all(kUndo, used) > 0);
  CHECK(f.damage(kUndo + 7, 0x80) == "its undo log points to what never changes");
}

TEST_CASE("damaged records are either sound or refused", "[exhaustive]") {
  Fixture f;
  const auto begin = f.offset_of("log/0") - Memory::kLine;
  const auto end = f.offset_of("gone") + sizeof(PersistentDequeHead<96>);
  CHECK(f.damage_all(begin, end - begin) > 500);
}

TEST_CASE("a damaged list of free blocks is either sound or refused", "[exhaustive]") {
  Fixture f;
  unsigned refused = 0;
  for (std::uint64_t b = 0; b < (f.word(kBlocksUsed) & 0xffffffff); ++b)
    refused += f.damage_all(f.blocks() + b * Memory::kBlock, 4);
  CHECK(refused > 10);
}

TEST_CASE("a damaged segment is either sound or refused", "[exhaustive]") {
  Fixture f;
  unsigned headers = 0, runs = 0;
  for (const auto at : f.segments()) {
    headers += f.damage_all(at, sizeof(SegmentHeader));
    const auto bytes = f.word(at + offsetof(SegmentHeader, extent_bytes));
    runs += f.damage_all(at + bytes - 80, 80);
  }
  CHECK(headers > 100);
  CHECK(runs > 100);
}

// Frames' bytes are not looked at when a worker recovers, and neither are those of a block: whoever
// reads it trusts nothing.
TEST_CASE("a damaged metadata block is read without harm", "[exhaustive]") {
  Fixture f;
  REQUIRE(f.block() > 40);
  CHECK(f.damage_all(f.block() - 24, 60) == 0);
}
