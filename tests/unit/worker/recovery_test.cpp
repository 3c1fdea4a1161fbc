// SPDX-License-Identifier: Apache-2.0
#include "worker/recovery.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>

#include "base/text.h"
#include "worker/hub_kit.h"

using namespace standpipe;
using namespace std::chrono_literals;

namespace {

// What the keeper and a dead worker have left in the memory of two handlers.
class Fixture {
 public:
  Fixture() {
    for (const auto* name : {"a", "b"}) {
      deliver::HandlerOptions handler;
      handler.name = name;
      handler.timeout = 30s;
      handlers.push_back(handler);
      slots.push_back(directory.slot(state::Kind::handler, name));
    }
    memory.commit();
  }
  state::Watch& watch(std::size_t handler) { return memory.watches()[slots[handler]]; }
  std::optional<deliver::Death> hang() const {
    return worker::hang_of_last_worker(memory, directory, handlers);
  }

  state::Memory memory{{.memory_max = 4 * MiB, .logs = 1, .deliveries = 2, .handlers = 2}};
  state::Directory directory{memory};
  std::vector<deliver::HandlerOptions> handlers;
  std::vector<std::uint32_t> slots;
};

}  // namespace

TEST_CASE("a worker in which no call hung was not killed for one") {
  Fixture f;
  f.watch(0).call = 3;  // in progress, as any may be
  CHECK_FALSE(f.hang());
}

TEST_CASE("a call that the keeper found hung names its handler and the timeout") {
  Fixture f;
  f.watch(1).call = 3;
  f.watch(1).hung = 3;
  const auto death = f.hang();
  REQUIRE(death);
  CHECK(death->names(f.slots[1]));
  CHECK(death->reason() == deliver::Reason::timeout);
  CHECK(death->text().find(duration_text(30s)) != std::string::npos);
}

TEST_CASE("a call that hung and came back after all, before the worker died, is nobody's fault") {
  Fixture f;
  f.watch(1).call = 4;
  f.watch(1).hung = 3;
  CHECK_FALSE(f.hang());
}

TEST_CASE("a call on the loop that kept the worker from answering names its handler") {
  Fixture f;
  f.watch(0).on_loop = 5;
  f.watch(0).stuck = 5;
  const auto death = f.hang();
  REQUIRE(death);
  CHECK(death->names(f.slots[0]));
  CHECK(death->text().find("watchdog") != std::string::npos);
}

TEST_CASE(
    "a worker that follows a crash in the hub's own code says that it is a mistake in the "
    "program") {
  test::HubKit kit;
  kit.begin();
  kit.end();
  {
    const state::Memory memory(Fd(::dup(kit.keeper.find(state::kMemoryName))));
    memory.culprit() = deliver::Death::kHub;
    memory.shared().last_status = SIGSEGV;
  }
  kit.begin();
  CHECK(kit.reported("this is a mistake in the program"));
}
