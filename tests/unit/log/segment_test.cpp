// SPDX-License-Identifier: Apache-2.0
#include "log/segment.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <vector>

#include "base/limits.h"
#include "log/arena.h"

using namespace standpipe;
using namespace standpipe::log;
using namespace standpipe::state;

namespace {

// One segment of 16 KiB whose sets have two words. Verbs: put (bytes), index.
class Fixture {
 public:
  void put(const std::string& bytes) {
    const auto room = segment.room(0);
    REQUIRE(room.size() >= bytes.size());
    std::memcpy(room.data(), bytes.data(), bytes.size());
    segment.fill(static_cast<std::uint32_t>(bytes.size()));
  }
  // The next bytes are frames for one reader.
  bool index(std::uint32_t bytes, std::uint32_t count, std::size_t bit, std::uint64_t time = 1) {
    std::vector<std::uint64_t> set(2);
    set[bit / 64] = std::uint64_t{1} << bit % 64;
    const auto added = segment.add_run(bytes, count, Sequence{next_}, time, 1, set);
    if (added) next_ += count;
    return added;
  }

  Memory memory{MemoryPlan{.memory_max = 4 * MiB}};
  Arena arena{memory};
  Segment segment{memory, *arena.lend(16 * KiB, 0), Position{1000}, 2};

 private:
  std::uint64_t next_ = 1;
};

}  // namespace

TEST_CASE_METHOD(Fixture,
                 "bytes grow from the front, and each run's entry takes room at the back") {
  const auto free = segment.free();
  put("onetwo");
  CHECK(segment.free() == free - 6);
  CHECK(segment.end() == Position{1000});
  CHECK(index(3, 1, 0));
  CHECK(segment.end() == Position{1003});
  CHECK(segment.free() == free - 6 - segment.run_bytes());
  CHECK(segment.run_bytes() == sizeof(Run) + 16);
  CHECK(segment.unindexed().size() == 3);
}

TEST_CASE_METHOD(Fixture, "frames that came together for the same readers are one run") {
  put("onetwoabc");
  CHECK(index(3, 1, 7, 1));
  CHECK(index(3, 1, 7, 1));
  CHECK(segment.runs() == 1);
  CHECK(segment.run(0).count == 2);
  CHECK(segment.run(0).end == 6);
  CHECK(index(3, 1, 7, 2));  // at another time
  CHECK(segment.runs() == 2);
  CHECK(segment.run(1).first_sequence == 3);
}

TEST_CASE_METHOD(Fixture, "a run is wanted by those in its set, in any word, and by no other") {
  put("onetwo");
  CHECK(index(3, 1, 63));
  CHECK(index(3, 1, 64));
  CHECK(segment.run_wants(0, 63));
  CHECK_FALSE(segment.run_wants(0, 64));
  CHECK(segment.run_wants(1, 64));
  CHECK_FALSE(segment.run_wants(1, 63));
  CHECK_FALSE(segment.run_wants(1, 128));  // there are no so many
}

TEST_CASE_METHOD(Fixture, "a run is found by any offset in it, whatever the guess is") {
  put("onetwoabc");
  for (const std::size_t bit : {1, 2, 3}) CHECK(index(3, 1, bit));
  for (std::uint32_t guess = 0; guess <= 4; ++guess)
    for (std::uint32_t offset = 0; offset < 9; ++offset)
      CHECK(segment.find_run(offset, guess) == offset / 3);
  CHECK(segment.find_run(9, 0) == segment.runs());
}

TEST_CASE_METHOD(Fixture, "a full index takes no run, and the bytes stay") {
  put(std::string(segment.room(segment.run_bytes()).size(), 'x'));
  CHECK(index(1, 1, 0));
  CHECK_FALSE(index(1, 1, 1));
  CHECK(segment.unindexed().size() == segment.filled() - 1);
}

TEST_CASE_METHOD(Fixture, "what was not indexed is forgotten without a trace") {
  put("onetwo");
  CHECK(index(3, 1, 0));
  CHECK(segment.drop_incomplete() == 3);
  CHECK(segment.filled() == 3);
  put("abc");
  CHECK(std::string(reinterpret_cast<const char*>(segment.unindexed().data()), 3) == "abc");
}

TEST_CASE_METHOD(Fixture,
                 "the next worker finds the segment, and refuses one whose runs do not join") {
  put("onetwo");
  CHECK(index(3, 1, 1));
  CHECK(index(3, 1, 2));
  memory.commit();
  const auto offset = segment.extent().offset;
  {
    Memory next(Fd(::dup(memory.fd())));
    const Segment same(next, offset);
    CHECK(same.runs() == 2);
    CHECK(same.end() == Position{1006});
  }
  const_cast<Run&>(segment.run(1)).begin = 4;
  Memory next(Fd(::dup(memory.fd())));
  CHECK_THROWS_AS(Segment(next, offset), Memory::Damaged);
  CHECK_THROWS_AS(Segment(next, offset + 1), Memory::Damaged);
}

TEST_CASE("a segment that was being rewound when its worker died is as it was before") {
  for (const std::size_t passed : {1, 700, 3950, 9000}) {
    for (const std::size_t incomplete : {1, 600, 3900, 6000}) {
      Memory keeping({.memory_max = 4 * MiB, .logs = 2});
      Arena arena(keeping);
      Segment segment(keeping, *arena.lend(64 * KiB, 0), {}, 1);
      segment.adopt({});
      std::string rest(incomplete, '\0');
      for (std::size_t i = 0; i < incomplete; ++i) rest[i] = static_cast<char>(i % 251);
      const std::string text = std::string(passed, 'p') + rest;
      std::memcpy(segment.room(0).data(), text.data(), text.size());
      segment.fill(static_cast<std::uint32_t>(text.size()));
      segment.add_run(static_cast<std::uint32_t>(passed), 1, {1}, 1, 1,
                      std::vector<std::uint64_t>{1});
      keeping.commit();
      if (!segment.can_rewind()) continue;
      segment.rewind({passed}, 1);
      Memory next(Fd(::dup(keeping.fd())));
      const Segment same(next, segment.extent().offset);
      CHECK(same.indexed() == passed);
      CHECK(std::string(reinterpret_cast<const char*>(same.unindexed().data()),
                        same.unindexed().size()) == rest);
    }
  }
}
