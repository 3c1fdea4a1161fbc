// SPDX-License-Identifier: Apache-2.0
#include "deliver/lifecycle.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "base/limits.h"
#include "needs.h"

using namespace standpipe;
using namespace std::chrono_literals;
using deliver::CallKind;
using deliver::Lifecycle;

namespace {

const plugin::Answer kOk;
const plugin::Answer kDown{STANDPIPE_DISCONNECTED, "db down"};
const plugin::Answer kFatal{STANDPIPE_FATAL, "no such table"};

deliver::HandlerOptions named(const char* name) {
  deliver::HandlerOptions options;
  options.name = name;
  return options;
}

class Fixture : public test::Needs {
 public:
  // The call that is due is made, and comes back so.
  void make(const plugin::Answer& answer) {
    const auto kind = life.due(now);
    life.began(kind);
    life.came_back(kind, answer, now);
  }
  std::string state() const {
    const auto state = life.state(now);
    return std::string(state.name) + (state.reason.empty() ? "" : ": " + state.reason);
  }

  deliver::HandlerOptions options = named("it");
  test::ManualClock clock;
  Nanoseconds now{1s};
  state::Memory memory{state::MemoryPlan{.memory_max = 4 * MiB}};
  deliver::HandlerNeeds its_needs = needs(clock, memory);
  Lifecycle life{options, its_needs};
};

using Said = std::vector<std::string>;

}  // namespace

TEST_CASE(
    "a handler whose process dies is opened again, later each time while nothing is settled") {
  Fixture f;
  f.make(kOk);
  std::vector<Nanoseconds> pauses;
  for (int i = 0; i < 9; ++i) {
    f.life.died("crashed (SIGSEGV)", false, false, f.now);
    CHECK(f.life.due(f.now) == CallKind::disconnect);
    f.make(kOk);
    pauses.push_back(f.life.wake_at(f.now).value_or(f.now) - f.now);
    f.now += pauses.back();
    CHECK(f.life.due(f.now) == CallKind::open);
    f.make(kOk);
  }
  CHECK(pauses == std::vector<Nanoseconds>{0ms, 50ms, 100ms, 200ms, 400ms, 800ms, 1600ms, 2s, 2s});
  f.life.handled(true, kOk, f.now);
  f.life.died("crashed (SIGSEGV)", false, false, f.now);
  f.make(kOk);
  CHECK(f.life.due(f.now) == CallKind::open);
  CHECK(f.quiet.reported.empty());
}

TEST_CASE("a process that dies while nobody called it is reported, and a held handler stays held") {
  Fixture f;
  f.make(kOk);
  f.life.died("was killed (SIGKILL)", true, false, f.now);
  CHECK(f.quiet.reported == Said{"it: its plugin was killed (SIGKILL) while it had nothing to do; "
                                 "its process is started again"});
  CHECK(f.state() == "opening: its plugin was killed (SIGKILL)");
  f.life.hold("enough");
  f.life.died("was killed (SIGKILL)", false, false, f.now);
  CHECK(f.life.held());
}

TEST_CASE("a handler opens, runs, and is closed when the hub stops") {
  Fixture f;
  CHECK(f.state() == "opening");
  CHECK(f.life.due(f.now) == CallKind::open);
  f.make(kOk);
  CHECK(f.life.running());
  CHECK(f.life.tried());
  CHECK(f.state() == "ready");
  CHECK(f.life.due(f.now) == CallKind::handle);
  f.life.want_close(9s);
  CHECK(f.life.due(f.now) == CallKind::close);
  CHECK(f.life.close_by() == 9s);
  f.make(kOk);
  CHECK(f.life.closed());
  CHECK(f.life.due(f.now) == CallKind::none);
}

TEST_CASE("an open that fails is disconnected, and tried again after a pause that grows") {
  Fixture f;
  std::vector<Nanoseconds> pauses;
  for (int i = 0; i < 3; ++i) {
    f.make(kDown);
    CHECK(f.life.due(f.now) == CallKind::disconnect);
    f.make(kOk);
    CHECK(f.life.due(f.now) == CallKind::none);
    pauses.push_back(f.life.wake_at(f.now).value() - f.now);
    f.now = *f.life.wake_at(f.now);
    CHECK_FALSE(f.life.wake_at(f.now));
  }
  REQUIRE(pauses.size() == 3);
  for (unsigned i = 0; i < 3; ++i) {
    CHECK(pauses[i] <= f.options.backoff(i + 1));
    CHECK(pauses[i] > f.options.backoff(i + 1) * 3 / 4);
  }
  CHECK(f.state() == "opening: db down (tried 3 times)");
  CHECK(f.quiet.reported == Said{"it: disconnected: db down"});
}

TEST_CASE("only a message that came to an outcome shows that the connection is there again") {
  Fixture f;
  f.make(kOk);
  f.life.handled(false, kDown, f.now);
  f.make(kOk);
  f.now += 1s;
  f.make(kOk);
  CHECK(f.quiet.reported == Said{"it: disconnected: db down"});
  f.life.handled(true, kOk, f.now);
  CHECK(f.quiet.reported.back() == "it: connected again after 1 try");
  f.life.handled(true, kDown, f.now);
  CHECK(f.life.state(f.now).reason == "db down (tried 1 time)");
}

TEST_CASE("a handler retries until the last pause is over") {
  Fixture f;
  f.make(kOk);
  f.life.retries("busy", f.now + 5s);
  f.life.retries("still busy", f.now + 2s);
  CHECK(f.state() == "retrying: still busy");
  CHECK(f.life.due(f.now) == CallKind::handle);
  f.now += 5s;
  CHECK(f.state() == "ready");
}

TEST_CASE(
    "a handler that answers fatal is held, for all workers of the run, and closed all the same") {
  Fixture f;
  f.make(kOk);
  f.life.handled(false, kFatal, f.now);
  CHECK(f.state() == "held: no such table");
  CHECK(f.life.due(f.now) == CallKind::none);
  CHECK_FALSE(f.memory.pending());
  state::Memory next(Fd(::dup(f.memory.fd())));
  const auto needs = f.needs(f.clock, next);
  Lifecycle later(f.options, needs);
  CHECK(later.held());
  CHECK(later.tried());
  CHECK(later.held_for() == "no such table");
  later.want_close(9s);
  CHECK(later.due(f.now) == CallKind::close);
}

TEST_CASE("a hold of what a handler was before ends when it stays what it is now, and not before") {
  Fixture f;
  f.make(kFatal);
  auto changed = f.options;
  changed.changed = true;
  {
    Lifecycle trial(changed, f.its_needs);
    CHECK_FALSE(trial.held());
    trial.hold("another reason");
    f.memory.commit();
    CHECK(trial.held_for() == "another reason");
  }
  CHECK(Lifecycle(f.options, f.its_needs).held_for() == "no such table");  // it went back
  Lifecycle trial(changed, f.its_needs);
  trial.stays();
  CHECK_FALSE(f.memory.pending());
  CHECK_FALSE(Lifecycle(f.options, f.its_needs).held());
}

TEST_CASE("a hold is the caller's to commit, and its reason is cut to what is kept of it") {
  Fixture f;
  f.life.hold(std::string(2000, 'x'));
  CHECK(f.memory.pending());
  CHECK(f.life.held());
  CHECK(f.life.held_for().size() > 400);
  CHECK(f.life.held_for().size() < 1000);
}

TEST_CASE("a reopen waits for the handler to run, and one that fails is a lost connection") {
  Fixture f;
  f.life.want_reopen();
  CHECK(f.life.due(f.now) == CallKind::open);
  f.make(kOk);
  CHECK(f.life.due(f.now) == CallKind::reopen);
  f.make(kOk);
  CHECK(f.quiet.reported == Said{"it: reopened"});
  CHECK(f.life.due(f.now) == CallKind::handle);
  f.life.want_reopen();
  f.make(kDown);
  CHECK(f.life.due(f.now) == CallKind::disconnect);
}

TEST_CASE("a lost connection is dropped before the handler is closed") {
  Fixture f;
  f.make(kOk);
  f.life.handled(false, kDown, f.now);
  f.life.want_close(9s);
  CHECK(f.life.due(f.now) == CallKind::disconnect);
  f.make(kOk);
  CHECK(f.life.due(f.now) == CallKind::close);
  CHECK_FALSE(f.life.wake_at(f.now));
  f.make({STANDPIPE_DISCONNECTED, "not flushed"});
  CHECK(f.quiet.reported.back() == "it: not flushed");
  CHECK(f.life.closed());
}

TEST_CASE("one that has departed is given its messages only when it gives them up") {
  Fixture f;
  f.options.departed = true;
  Lifecycle departed(f.options, f.its_needs);
  CHECK(departed.held());
  CHECK(departed.due(f.now) == CallKind::none);
  departed.give_up();
  CHECK(departed.held());
  CHECK(departed.due(f.now) == CallKind::handle);
  departed.want_close(f.now);
  CHECK(departed.due(f.now) == CallKind::close);
}

TEST_CASE("a handler that a person holds goes on where it was, with what its plugin has open") {
  Fixture f;
  f.make(kOk);
  f.life.pause("held by a person");
  f.memory.commit();
  CHECK(f.state() == "held: held by a person");
  CHECK(f.life.due(f.now) == CallKind::none);
  {
    state::Memory next(Fd(::dup(f.memory.fd())));
    const auto needs = f.needs(f.clock, next);
    CHECK(Lifecycle(f.options, needs).held_for() == "held by a person");  // also a later worker's
  }
  f.life.release(true);
  f.memory.commit();
  CHECK(f.state() == "ready");
  CHECK(f.life.due(f.now) == CallKind::handle);
  CHECK_FALSE(Lifecycle(f.options, f.its_needs).held());
}

TEST_CASE("what a call answers that a person's hold overtook counts when the hold ends") {
  Fixture f;
  f.make(kOk);
  f.life.pause("held by a person");
  f.life.handled(false, kDown, f.now);
  CHECK(f.life.held());
  CHECK(f.life.due(f.now) == CallKind::none);
  f.life.release(true);
  CHECK(f.life.due(f.now) == CallKind::disconnect);

  Fixture opening;
  opening.life.began(CallKind::open);
  opening.life.pause("held by a person");
  opening.life.came_back(CallKind::open, kOk, opening.now);
  CHECK(opening.life.held());
  opening.life.release(true);
  CHECK(opening.life.running());

  Fixture fatal;
  fatal.make(kOk);
  fatal.life.pause("held by a person");
  fatal.life.handled(false, kFatal, fatal.now);
  CHECK(fatal.life.held_for() == "no such table");
}

TEST_CASE("a handler that is released closes what its plugin has, and opens") {
  Fixture f;
  f.make(kFatal);
  CHECK(f.life.held());
  f.life.release(true);
  f.memory.commit();
  CHECK(f.state() == "opening");
  CHECK(f.life.due(f.now) == CallKind::disconnect);
  f.make(kOk);
  CHECK(f.life.due(f.now) == CallKind::open);
  f.make(kOk);
  CHECK(f.life.running());

  Fixture unmade;  // a worker before this one held it
  unmade.life.hold("its plugin kills workers");
  unmade.life.release(false);
  CHECK(unmade.life.due(unmade.now) == CallKind::open);
}

TEST_CASE(
    "a handler is away while it is held, and since it was disconnected until it settles "
    "something") {
  using Kind = deliver::Absence::Kind;
  Fixture f;
  CHECK_FALSE(f.life.absence());  // it opens
  f.make(kDown);
  const auto since = f.now;
  f.now += 1min;
  f.make(kDown);
  f.make(kDown);
  f.now += 1min;
  f.make(kOk);
  f.make(kOk);
  REQUIRE(f.life.absence());
  CHECK(f.life.absence()->kind == Kind::disconnected);
  CHECK(f.life.absence()->since == since);
  CHECK(f.life.absence()->why == "is disconnected (db down)");
  f.life.handled(true, kOk, f.now);
  CHECK_FALSE(f.life.absence());
  f.life.died("crashed (SIGSEGV)", false, false, f.now);
  CHECK_FALSE(f.life.absence());
  f.life.hold("no such table");
  REQUIRE(f.life.absence());
  CHECK(f.life.absence()->kind == Kind::held);
  CHECK(f.life.absence()->since == 0ns);
  CHECK(f.life.absence()->why == "is held (no such table)");
  f.life.give_up();
  CHECK_FALSE(f.life.absence());
}
