// SPDX-License-Identifier: Apache-2.0
#include "commit_killer.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <utility>

#include "base/limits.h"
#include "state/memory.h"
#include "state/persistent.h"

using namespace standpipe;

namespace {

int left = -1;
test::CommitKiller::When moment = test::CommitKiller::When::before;

}  // namespace

// The names that the linker gives to what stands in for a function, and to that function.
extern "C" void __real__ZN9standpipe5state6Memory6commitEv(state::Memory* memory);
extern "C" void __wrap__ZN9standpipe5state6Memory6commitEv(state::Memory* memory);

extern "C" void __wrap__ZN9standpipe5state6Memory6commitEv(state::Memory* memory) {
  const bool dies = left >= 0 && left-- == 0;
  if (dies && moment == test::CommitKiller::When::before) throw test::KilledAtCommit{};
  __real__ZN9standpipe5state6Memory6commitEv(memory);
  if (dies) throw test::KilledAtCommit{};
}

void test::CommitKiller::arm(int nth, When when) {
  left = nth;
  moment = when;
}

void test::CommitKiller::disarm() { left = -1; }

bool test::CommitKiller::armed() { return left >= 0; }

test::CommitKiller::Pause::Pause() : left_(std::exchange(left, -1)) {}

test::CommitKiller::Pause::~Pause() { left = left_; }

TEST_CASE(
    "a worker that dies before a commit leaves what was before, and after it what it committed") {
  const auto when = GENERATE(test::CommitKiller::When::before, test::CommitKiller::When::after);
  state::Memory memory(state::MemoryPlan{.memory_max = 4 * MiB});
  state::Persistent<int> value(memory, "it");
  value.edit() = 1;
  memory.commit();
  test::CommitKiller::arm(1, when);
  value.edit() = 2;
  memory.commit();
  value.edit() = 3;
  CHECK_THROWS_AS(memory.commit(), test::KilledAtCommit);
  CHECK_FALSE(test::CommitKiller::armed());
  state::Memory next(Fd(::dup(memory.fd())));
  CHECK(*state::Persistent<int>(next, "it") == (when == test::CommitKiller::When::before ? 2 : 3));
}
