// SPDX-License-Identifier: Apache-2.0
#include "worker/configurations.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>

#include "worker/hub_kit.h"

using namespace standpipe;
using Start = worker::Configurations::Start;

namespace {

Parts named(const std::string& text) {
  Parts parts;
  parts.set("text", text);
  return parts;
}

// Workers that follow each other; each is as dead as a kill leaves it when the next one begins.
class Kit {
 public:
  worker::Configurations& begin(bool only_in_force = false) {
    end();
    link_ = keeper.start();
    it_ = std::make_unique<worker::Configurations>(*link_, only_in_force);
    return *it_;
  }
  // The first worker has read `one`.
  Kit() { begin().begin(named("one")); }
  ~Kit() { end(); }
  void end() {
    it_.reset();
    link_.reset();
  }
  test::ToyKeeper keeper;

 private:
  std::unique_ptr<keeper::Link> link_;
  std::unique_ptr<worker::Configurations> it_;
};

}  // namespace

TEST_CASE("a first worker finds nothing, and those after it what it has read") {
  Kit kit;
  CHECK(kit.begin().start() == Start::again);
  CHECK(kit.begin().mine().text("text") == "one");
  kit.end();
  kit.keeper.forget_all();
  CHECK(kit.begin().start() == Start::first);
}

TEST_CASE("what is proposed is tried, and in force when it is confirmed") {
  Kit kit;
  kit.begin().propose(named("two"));
  auto& tries = kit.begin();
  CHECK(tries.start() == Start::tries);
  CHECK(tries.mine().text("text") == "two");
  CHECK(tries.other().text("text") == "one");
  tries.confirm();
  CHECK(tries.start() == Start::is_through);  // nothing leads back any more
  tries.forget_reload();
  auto& next = kit.begin();
  CHECK(next.start() == Start::again);
  CHECK(next.mine().text("text") == "two");
}

TEST_CASE("what was withdrawn is not tried") {
  Kit kit;
  auto& one = kit.begin();
  one.propose(named("two"));
  one.withdraw();
  CHECK(kit.begin().start() == Start::again);
}

TEST_CASE("whoever follows a worker that died while it tried goes back, until that was said") {
  Kit kit;
  kit.begin().propose(named("two"));
  kit.begin();
  for (int times = 0; times < 2; ++times) {
    auto& back = kit.begin();
    CHECK(back.start() == Start::goes_back);
    CHECK(back.mine().text("text") == "one");
    CHECK(back.other().text("text") == "two");
    CHECK(back.failure().empty());
    if (times == 1) back.forget_reload();
  }
  CHECK(kit.begin().start() == Start::again);
}

TEST_CASE("a worker that cannot have what it tries says why to the next one") {
  Kit kit;
  kit.begin().propose(named("two"));
  kit.begin().fail("no FIFO");
  auto& back = kit.begin();
  CHECK(back.start() == Start::goes_back);
  CHECK(back.failure() == "no FIFO");
  back.forget_reload();
  kit.begin().propose(named("three"));
  kit.begin();
  CHECK(kit.begin().failure().empty());
}

TEST_CASE("whoever follows a worker that died after it confirmed has that, and says so") {
  Kit kit;
  kit.begin().propose(named("two"));
  kit.begin().confirm();
  auto& next = kit.begin();
  CHECK(next.start() == Start::is_through);
  CHECK(next.mine().text("text") == "two");
  next.forget_reload();
  CHECK(kit.begin().start() == Start::again);
}

TEST_CASE("a worker that only saves tries nothing, and leaves all as it is") {
  Kit kit;
  kit.begin().propose(named("two"));
  auto& saves = kit.begin(true);
  CHECK(saves.start() == Start::again);
  CHECK(saves.mine().text("text") == "one");
  CHECK(kit.begin().start() == Start::tries);
}

TEST_CASE("what is confirmed is held by an open file of its own") {
  Kit kit;
  kit.begin().propose(named("two"));
  auto& tries = kit.begin();
  tries.confirm();
  tries.forget_reload();
  CHECK(Parts::read(tries.in_force()).text("text") == "two");
}
