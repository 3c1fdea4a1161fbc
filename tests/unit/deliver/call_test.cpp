// SPDX-License-Identifier: Apache-2.0
#include "deliver/call.h"

#include <catch2/catch.hpp>

#include "one_delivery.h"

using namespace standpipe;
using deliver::Call;
using deliver::CallKind;
using deliver::Phase;

namespace {

class Fixture : public test::OneDelivery {
 public:
  Fixture() {
    options.name = "it";
    options.timeout = std::chrono::seconds(3);
    call.emplace(memory, options, 0);
  }
  // The record as the next worker finds it. This one is dead: nothing more may be done with it.
  Call& die() {
    next.emplace(Fd(::dup(memory.fd())));
    return successor.emplace(*next, options, 0);
  }
  const state::Watch& watch() { return memory.watches()[0]; }

  deliver::HandlerOptions options;
  deliver::Batch batch{10, 1000};
  std::optional<Call> call, successor;
  std::optional<state::Memory> next;
};

}  // namespace

TEST_CASE("a call is recorded before it is made, so a death names it") {
  Fixture f;
  f.call->begin(CallKind::open);
  f.call->flight().enter(Phase::open);
  auto& found = f.die();
  CHECK(found.kind() == CallKind::open);
  CHECK(found.is_cut_off());
  CHECK(found.phase_of_death() == Phase::open);
}

TEST_CASE("a call of handle is recorded with its messages, and what had come back is not cut off") {
  Fixture f;
  f.append("a");
  f.append("b");
  f.batch.fill_next(f.delivery);
  f.call->begin_handle(f.batch, {});
  f.call->flight().outcomes[1] = STANDPIPE_REJECT;
  f.call->flight().note_return();
  auto& found = f.die();
  CHECK(found.kind() == CallKind::handle);
  CHECK_FALSE(found.is_cut_off());
  CHECK(found.delivery() == f.delivery.id());
  CHECK(found.messages().range.count == 2);
  CHECK(found.flight().outcomes[1] == STANDPIPE_REJECT);
  CHECK(found.outputs().empty());
}

TEST_CASE("a call ends with the commit of what it brought, and no sooner") {
  Fixture f;
  f.call->begin(CallKind::close);
  f.call->flight().note_return();
  f.call->end();
  SECTION("not committed") { CHECK(f.die().kind() == CallKind::close); }
  SECTION("committed") {
    f.memory.commit();
    CHECK(f.die().kind() == CallKind::none);
  }
}

TEST_CASE(
    "the keeper sees calls of handle by a word that counts up, and calls on the loop by another") {
  Fixture f;
  CHECK(f.watch().timeout_ns == 3'000'000'000);
  CHECK(std::string(f.watch().name) == "it");
  f.append("a");
  f.batch.fill_next(f.delivery);
  f.call->begin_handle(f.batch, {});
  CHECK(f.watch().call == 1);
  f.call->end();
  CHECK(f.watch().call == 2);
  f.call->begin(CallKind::reopen);
  CHECK(f.watch().call == 2);
  f.call->enter_on_loop(&f.batch);
  CHECK(f.watch().on_loop == 1);
  f.call->leave_on_loop();
  CHECK(f.watch().on_loop == 2);
}

TEST_CASE("what a dead worker's watch says is of the past when its call was settled") {
  Fixture f;
  f.append("a");
  f.batch.fill_next(f.delivery);
  f.call->begin_handle(f.batch, {});
  f.call->enter_on_loop(&f.batch);
  auto& found = f.die();
  found.forget_loop();
  CHECK(f.watch().on_loop == 2);
  CHECK(f.watch().call == 1);
  found.end();
  CHECK(f.watch().call == 2);
}

TEST_CASE(
    "a phase that no plugin has been in, as a worker gone wild may leave it, is none that is "
    "known") {
  Fixture f;
  f.call->begin(CallKind::disconnect);
  f.call->flight().phase = static_cast<Phase>(77);
  CHECK(f.call->phase() == Phase::handle);
  CHECK(f.call->phase_of_death() == Phase::close);
  f.call->flight().phase = Phase::flush;
  CHECK(deliver::phase_name(f.call->phase()) == "flush");
}

TEST_CASE("a call in a child says so, and the keeper does not watch it") {
  Fixture f;
  deliver::Flight theirs{};
  f.call->use_child(theirs);
  CHECK(f.watch().timeout_ns == 0);
  f.append("a");
  f.batch.fill_next(f.delivery);
  const auto before = f.watch().call;
  f.call->begin_handle(f.batch, {});
  CHECK(f.watch().call == before);
  CHECK(f.call->is_in_child());
  CHECK_FALSE(f.call->has_entered());
  CHECK(f.die().is_in_child());
}

TEST_CASE("what a child wrote is taken once, and is the call's then") {
  Fixture f;
  deliver::Flight theirs{};
  f.call->use_child(theirs);
  theirs.returned = 1;  // of the call before
  theirs.phase = Phase::handle;
  f.append("a");
  f.append("b");
  f.batch.fill_next(f.delivery);
  f.call->begin_handle(f.batch, {});
  f.call->fetch();
  CHECK(f.call->is_cut_off());
  CHECK_FALSE(f.call->has_entered());
  theirs.phase = Phase::handle;
  theirs.result.at = 1;
  theirs.outcomes[0] = STANDPIPE_FILTERED;
  f.call->fetch();
  theirs.outcomes[0] = 99;
  CHECK(f.call->is_cut_off());
  CHECK(f.call->flight().result.at == 1);
  CHECK(f.call->flight().outcomes[0] == STANDPIPE_FILTERED);
  CHECK(f.call->flight().result.outcomes == f.call->flight().outcomes);
  theirs.returned = 7;
  f.call->fetch();
  CHECK_FALSE(f.call->is_cut_off());
}
