// SPDX-License-Identifier: Apache-2.0
#include "state/directory.h"

#include <catch2/catch.hpp>
#include <memory>

#include "base/failure.h"
#include "base/limits.h"

using namespace standpipe;
using namespace standpipe::state;

namespace {

using Names = std::vector<std::string>;

// A memory with room for a few. Crash: the next worker finds what was committed.
class Fixture {
 public:
  void crash() {
    memory = std::make_unique<Memory>(Fd(::dup(memory->fd())));
    directory = std::make_unique<Directory>(*memory);
  }
  std::uint32_t source(const std::string& name) { return directory->slot(Kind::source, name); }
  std::uint32_t handler(const std::string& name) { return directory->slot(Kind::handler, name); }
  void route(const std::string& from, const std::string& to, std::size_t bit) {
    source(from), handler(to);
    directory->delivery(from, to, bit);
  }
  // A slot's number as it stands in the memory, after what the name takes.
  void write(const std::string& record, std::uint32_t slot, std::uint32_t bit) {
    auto* words = reinterpret_cast<std::uint32_t*>(memory->record(record, 8).data());
    words[0] = slot, words[1] = bit;
    memory->commit();
  }

  std::unique_ptr<Memory> memory = std::make_unique<Memory>(MemoryPlan{.memory_max = 1 * MiB,
                                                                       .logs = 4,
                                                                       .deliveries = 4,
                                                                       .handlers = 4,
                                                                       .outputs = 4,
                                                                       .queues = 1,
                                                                       .replays = 2});
  std::unique_ptr<Directory> directory = std::make_unique<Directory>(*memory);
};

}  // namespace

TEST_CASE("a name keeps its slot, whatever the order in which names are asked for later") {
  Fixture f;
  const auto a = f.source("a"), b = f.source("b");
  f.memory->commit();
  f.crash();
  CHECK(f.source("c") == 2);
  CHECK(f.source("b") == b);
  CHECK(f.source("a") == a);
  CHECK(f.directory->names(Kind::source) == Names{"a", "b", "c"});
}

TEST_CASE("kinds have slots of their own") {
  Fixture f;
  CHECK(f.source("a") == 0);
  CHECK(f.handler("a") == 0);
  CHECK(f.directory->slot(Kind::output, "/a b") == 0);
  CHECK_FALSE(f.directory->find(Kind::delivery, "a -> a"));
}

TEST_CASE("a slot that was not committed is not taken") {
  Fixture f;
  f.source("a");
  f.memory->commit();
  f.source("b");
  f.crash();
  CHECK_FALSE(f.directory->find(Kind::source, "b"));
  CHECK(f.source("c") == 1);
}

TEST_CASE("a slot that was freed is taken again after the commit, and not before") {
  Fixture f;
  f.source("a"), f.source("b");
  f.memory->commit();
  f.directory->remove(Kind::source, "a");
  CHECK(f.source("early") == 2);
  f.memory->commit();
  CHECK(f.source("late") == 0);
}

TEST_CASE("a removal that was not committed is taken back") {
  Fixture f;
  f.source("a");
  f.memory->commit();
  f.directory->remove(Kind::source, "a");
  f.crash();
  CHECK(f.directory->find(Kind::source, "a") == 0u);
}

TEST_CASE("slots come and go without end below the capacity, which is said when it is reached") {
  Fixture f;
  for (int i = 0; i < 1000; ++i) {
    f.source(std::to_string(i));
    f.memory->commit();
    f.directory->remove(Kind::source, std::to_string(i));
    f.memory->commit();
  }
  for (int i = 0; i < 4; ++i) f.source(std::to_string(i));
  CHECK_THROWS_WITH(f.source("one more"),
                    "the hub's memory has room for 4 sources, and all are taken");
}

TEST_CASE("a delivery keeps its bit, and a bit that was freed is nobody's") {
  Fixture f;
  f.route("a", "x", 0);
  f.route("a", "y", 1);
  f.route("b", "y", 70);
  f.memory->commit();
  f.crash();
  CHECK(f.directory->handlers_of("a") == Names{"x", "y"});
  CHECK(f.directory->handlers_of("b")[70] == "y");
  f.directory->remove(Kind::delivery, "a -> x");
  CHECK(f.directory->handlers_of("a") == Names{"", "y"});
  f.directory->remove(Kind::delivery, "a -> y");
  CHECK(f.directory->handlers_of("a").empty());
  f.memory->commit();
  f.route("a", "z", 0);
  CHECK(f.directory->find(Kind::delivery, "a -> z") == 0u);
  CHECK_THROWS_AS(f.directory->delivery("b", "y", 69), Damaged);
}

TEST_CASE("what cannot be a directory is damaged") {
  const auto is_damaged = [](auto damage) {
    Fixture f;
    f.route("a", "x", 0);
    f.memory->commit();
    damage(f);
    CHECK_THROWS_AS(f.crash(), Damaged);
  };
  is_damaged([](Fixture& f) { f.write("slot/source/b", 0, 0); });
  is_damaged([](Fixture& f) { f.write("slot/source/b", 4, 0); });
  is_damaged([](Fixture& f) { f.write("slot/delivery/b -> x", 1, 1); });
  is_damaged([](Fixture& f) { f.write("slot/delivery/a -> y", 1, 1); });
  is_damaged([](Fixture& f) { f.write("slot/delivery/a", 1, 1); });
  is_damaged(
      [](Fixture& f) { f.source("b"), f.handler("y"), f.write("slot/delivery/a -> y", 1, 0); });
  is_damaged([](Fixture& f) { f.handler("y"), f.write("slot/delivery/a -> y", 1, 1 << 20); });
  is_damaged([](Fixture& f) { f.memory->record("slot/source/c", 9), f.memory->commit(); });
}

TEST_CASE("a plan has room for more than a configuration needs, and says what it lacks") {
  const MemoryPlan needs{
      .memory_max = 300 * MiB, .logs = 100, .deliveries = 5000, .handlers = 50, .outputs = 800};
  const auto plan = MemoryPlan::with_room(needs);
  CHECK(plan.lacks(needs).empty());
  CHECK(plan.lacks({.memory_max = 1 * GiB, .logs = 256, .deliveries = 8192, .handlers = 128})
            .empty());
  CHECK(plan.lacks({.memory_max = 1, .logs = 257}) ==
        "it has room for 256 sources, and the configuration needs 257");
  CHECK(plan.lacks({.memory_max = 2 * GiB}) ==
        "it has room for a memory_max of 1GiB, and the configuration has 2GiB");
  CHECK(plan.lacks({.deliveries = 8193}) ==
        "it has room for 8192 routes from a source to a handler, and the configuration needs 8193");
  CHECK(plan.lacks({.handlers = 129}) ==
        "it has room for 128 handlers, and the configuration needs 129");
}

TEST_CASE("a queue has the name of its delivery, and another one with its source") {
  Fixture f;
  f.route("a", "x", 0);
  CHECK(f.directory->slot(Kind::queue, "a -> x") == 0);
  CHECK_THROWS_AS(f.directory->slot(Kind::queue, "a -> y"), Failure);
  f.memory->commit();
  f.directory->rename_source("a", "b");
  f.memory->commit();
  f.crash();
  CHECK(f.directory->names(Kind::queue) == Names{"b -> x"});
  f.directory->remove(Kind::queue, "b -> x");
  f.memory->commit();
  CHECK(f.directory->slot(Kind::queue, "a -> y") == 0);
  CHECK(MemoryPlan::with_room({.memory_max = 1, .queues = 3}).lacks({.queues = 65}) ==
        "it has room for 64 queues on disk, and the configuration needs 65");
}

TEST_CASE("a replay is of a source and a handler, with or without a route, and goes along") {
  Fixture f;
  f.source("a"), f.source("b"), f.handler("x"), f.handler("y");
  f.route("a", "x", 0);
  CHECK(f.directory->slot(Kind::replay, "a -> x") == 0);
  CHECK(f.directory->slot(Kind::replay, "a -> y") == 1);
  CHECK_THROWS_AS(f.directory->slot(Kind::replay, "b -> y"), Failure);
  f.memory->commit();
  f.directory->rename_source("a", "c");
  f.memory->commit();
  f.crash();
  CHECK(f.directory->replays_of("a").empty());
  CHECK(f.directory->replays_of("c") == Names{"x", "y"});
  CHECK(f.directory->find(Kind::replay, "c -> y") == 1);
}
