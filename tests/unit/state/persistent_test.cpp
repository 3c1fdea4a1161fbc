// SPDX-License-Identifier: Apache-2.0
#include "state/persistent.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdint>
#include <memory>

#include "base/fd.h"
#include "base/limits.h"

using namespace standpipe;

namespace {

struct Pair {
  std::uint64_t a, b;
};

// One value, for one worker after the other. Verb: crash.
struct Fixture {
  void crash() { memory = std::make_unique<state::Memory>(Fd(::dup(memory->fd()))); }
  state::Persistent<Pair> pair() const { return {*memory, "pair"}; }
  std::unique_ptr<state::Memory> memory =
      std::make_unique<state::Memory>(state::MemoryPlan{.memory_max = 4 * MiB});
};

}  // namespace

TEST_CASE("a value begins with zeroes, and a later worker has what was committed") {
  Fixture f;
  CHECK(f.pair()->a == 0);
  f.pair().edit() = {1, 2};
  f.memory->commit();
  f.crash();
  CHECK(f.pair()->a == 1);
  CHECK((*f.pair()).b == 2);
}

TEST_CASE("what was edited and not committed is undone, however often it was") {
  Fixture f;
  f.pair().edit() = {1, 2};
  f.memory->commit();
  auto pair = f.pair();
  pair.edit().a = 7;
  pair.edit().b = 8;
  pair.edit().a = 9;
  CHECK(pair->a == 9);
  f.crash();
  CHECK(f.pair()->a == 1);
  CHECK(f.pair()->b == 2);
}

TEST_CASE("one member is changed by itself, and undone by itself") {
  Fixture f;
  auto b = f.pair().part(&Pair::b);
  b.edit() = 5;
  f.memory->commit();
  CHECK(f.pair()->b == 5);
  CHECK(f.pair()->a == 0);
  b.edit() = 6;
  f.crash();
  CHECK(f.pair()->b == 5);
}

TEST_CASE("a record has room for what comes after its value") {
  Fixture f;
  const state::Persistent<Pair> pair(*f.memory, "with more", 100);
  CHECK(f.memory->find("with more").size() == sizeof(Pair) + 100);
}
