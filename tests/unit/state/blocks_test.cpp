// SPDX-License-Identifier: Apache-2.0
#include "state/blocks.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>

#include "base/limits.h"
#include "state/memory.h"

using namespace standpipe;
using state::Memory;

namespace {

struct Fixture {
  // What the last commit left, for the next worker.
  Memory next() const { return Memory(Fd(::dup(memory.fd()))); }

  Memory memory{state::MemoryPlan{.memory_max = 4 * MiB}};
};

}  // namespace

TEST_CASE_METHOD(Fixture, "blocks are numbered from one, and a released one is allocated first") {
  const auto free = memory.free_blocks();
  CHECK(memory.allocate_block() == 1);
  CHECK(memory.allocate_block() == 2);
  CHECK(memory.allocate_block() == 3);
  CHECK(memory.free_blocks() == free - 3);
  memory.release_block(1);
  memory.release_block(3);
  CHECK(memory.free_blocks() == free - 1);
  CHECK(memory.allocate_block() == 3);
  CHECK(memory.allocate_block() == 1);
  CHECK(memory.allocate_block() == 4);
}

TEST_CASE_METHOD(Fixture, "a block lies where its number says, whole, and beside the next one") {
  const auto a = memory.allocate_block(), b = memory.allocate_block();
  CHECK(memory.block(b) - memory.block(a) == static_cast<std::ptrdiff_t>(Memory::kBlock));
}

TEST_CASE_METHOD(Fixture, "the next worker has a block once, and nobody has one that is free") {
  const auto mine = memory.allocate_block(), freed = memory.allocate_block();
  memory.release_block(freed);
  memory.commit();
  auto same = next();
  same.claim_block(mine);
  CHECK_THROWS_AS(same.claim_block(mine), Memory::Damaged);
  CHECK_THROWS_AS(same.claim_block(freed), Memory::Damaged);
  CHECK_THROWS_AS(same.claim_block(freed + 1), Memory::Damaged);  // that was never taken
}

TEST_CASE_METHOD(
    Fixture,
    "a block that is released and allocated again in one transaction can be claimed once") {
  const auto block = memory.allocate_block();
  memory.commit();
  auto same = next();
  same.claim_block(block);
  same.release_block(block);
  CHECK(same.allocate_block() == block);
  same.claim_block(block);
  CHECK_THROWS_AS(same.claim_block(block), Memory::Damaged);
}

TEST_CASE_METHOD(Fixture, "a number that no block has is damage") {
  memory.check_block(memory.allocate_block());
  CHECK_THROWS_AS(memory.check_block(2), Memory::Damaged);
}

TEST_CASE_METHOD(Fixture, "a list of free blocks that goes round is damage") {
  const auto a = memory.allocate_block(), b = memory.allocate_block();
  memory.release_block(a);
  memory.release_block(b);
  memory.commit();
  std::memcpy(memory.block(a), &b, sizeof b);  // a wild write: b -> a -> b
  CHECK_THROWS_AS(next(), Memory::Damaged);
}
