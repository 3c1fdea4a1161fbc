// SPDX-License-Identifier: Apache-2.0
#include "log/arena.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "base/failure.h"
#include "base/limits.h"
#include "log/segment.h"

using namespace standpipe;
using namespace standpipe::log;
using namespace standpipe::state;

TEST_CASE("a large request has its turn though others go on asking") {
  Memory keeping({.memory_max = 8 * MiB, .logs = 3});
  Arena arena(keeping);
  const auto most = arena.shared_bytes();
  const auto a = arena.lend(most / 2, 0);
  REQUIRE(a);
  CHECK_FALSE(arena.lend(most - 8192, 1));    // must wait
  CHECK_FALSE(arena.lend(1 * MiB, 2));        // large, after it
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
  for (const auto size : {2 * MiB, 300 * KiB, 256 * KiB, 700 * KiB})
    arena.give_back(*arena.lend(size, 0), 0);
  CHECK(arena.lend(arena.shared_bytes() / 4096 * 4096, 0).has_value());
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

TEST_CASE("guarantees are those of the logs that there are, not of all that there is room for") {
  Memory memory({.memory_max = 1 * MiB, .logs = 1000});
  const Arena arena(memory, {1 * MiB, 4});
  CHECK(arena.guaranteed_bytes() == 64 * KiB);
  CHECK(arena.shared_bytes() == 1 * MiB - 4 * 64 * KiB);
}

TEST_CASE(
    "a log keeps its guarantee when others come, and what that has too much counts until it is "
    "given back") {
  Memory memory({.memory_max = 1 * MiB, .logs = 32});
  std::uint64_t offset = 0;
  {
    Arena arena(memory, {1 * MiB, 4});
    offset = Segment(memory, arena.lend_guaranteed(7), {}, 1).extent().offset;
    memory.commit();
  }
  Memory next(Fd(::dup(memory.fd())));
  Arena arena(next, {1 * MiB, 32});
  const auto extent = Segment(next, offset).extent();
  CHECK(arena.guaranteed_bytes() == 16 * KiB);
  arena.claim(extent, 7);
  CHECK(arena.shared_used() == 48 * KiB);
  CHECK_THROWS_AS(arena.claim(extent, 7), Memory::Damaged);
  arena.give_back(extent, 7);
  CHECK(arena.shared_used() == 0);
  CHECK(arena.lend_guaranteed(7).offset == offset);
  CHECK(arena.lend_guaranteed(7).bytes == 16 * KiB);
}

TEST_CASE("with less memory than what is lent out nothing more is lent until enough came back") {
  Memory memory({.memory_max = 4 * MiB, .logs = 2});
  std::vector<std::uint64_t> offsets;
  {
    Arena arena(memory, {4 * MiB, 1});
    for (int i = 0; i < 8; ++i)
      offsets.push_back(Segment(memory, *arena.lend(256 * KiB, 0), {}, 1).extent().offset);
    memory.commit();
  }
  Memory next(Fd(::dup(memory.fd())));
  Arena arena(next, {1 * MiB, 1});
  for (const auto offset : offsets) arena.claim(Segment(next, offset).extent(), 0);
  CHECK_FALSE(arena.lend(16 * KiB, 0));
  for (std::size_t i = 0; i < 6; ++i) arena.give_back(Segment(next, offsets[i]).extent(), 0);
  CHECK(arena.shared_used() == 512 * KiB);
  CHECK(arena.lend(16 * KiB, 0));
}

TEST_CASE(
    "what nobody is entitled to is for whoever comes first, and what others have is counted once") {
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

TEST_CASE(
    "of frames that are larger than what a log is entitled to, one that stands still keeps one "
    "from the others") {
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

TEST_CASE("one more log has its guarantee of what is shared, as long as there is enough for all") {
  Memory keeping({.memory_max = 1 * MiB, .logs = 2, .queues = 64});
  Arena arena(keeping, {1 * MiB, 2});
  const auto shared = arena.shared_bytes();
  REQUIRE(arena.has_room_for_log());
  arena.add_log();
  CHECK(arena.shared_bytes() == shared - arena.guaranteed_bytes());
  std::size_t logs = 3;
  for (; arena.has_room_for_log(); ++logs) arena.add_log();
  CHECK(logs > 3);
  CHECK_NOTHROW(Arena(keeping, {1 * MiB, logs}));  // as the next worker counts them
}
