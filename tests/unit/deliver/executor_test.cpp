// SPDX-License-Identifier: Apache-2.0
#include "deliver/executor.h"

#include <catch2/catch.hpp>
#include <future>
#include <string>
#include <thread>

#include "deliver/one_handler.h"

using namespace standpipe;
using deliver::CallKind;
using deliver::Phase;

namespace {

// A scripted plugin with whatever executor: the same tests for each.
class Fixture : public test::OneHandler {
 public:
  explicit Fixture(bool threaded) {
    call.emplace(one.memory, options, 0);
    host.emplace(options.name, needs(clock, one.memory));
    caller.emplace(options, 0, *host, call->flight());
    if (threaded)
      executor =
          std::make_unique<deliver::ThreadExecutor>(*caller, [this] { completed.set_value(); });
    else
      executor = std::make_unique<deliver::InlineExecutor>(*caller, *call);
  }
  // As the loop does it. Returns the answer, when it has come back.
  const plugin::Answer& make(CallKind kind) {
    const deliver::CallRequest request{.kind = kind, .batch = &batch};
    kind == CallKind::handle ? call->begin_handle(batch, {}) : call->begin(kind);
    completed = {};
    if (!executor->start(request)) completed.get_future().wait();
    call->end();
    one.memory.commit();
    return executor->answer();
  }
  void create() { executor->run({.kind = CallKind::create, .batch = nullptr}); }

  std::promise<void> completed;
  std::optional<deliver::Call> call;
  std::optional<deliver::PluginHost> host;
  std::optional<deliver::PluginCaller> caller;
  std::unique_ptr<deliver::Executor> executor;
};

}  // namespace

TEST_CASE("a call comes back with the plugin's answer, and its outcomes are in the flight") {
  const bool threaded = GENERATE(false, true);
  Fixture f(threaded);
  f.create();
  CHECK(f.make(CallKind::open).ok());
  f.one.append("a");
  f.one.append("b");
  f.batch.fill_next(f.one.delivery);
  f.scripted.script = {"XDJ"};
  f.scripted.reason = "db down";
  const auto& answer = f.make(CallKind::handle);
  CHECK(answer.code == STANDPIPE_DISCONNECTED);
  CHECK(answer.reason == "db down");
  CHECK(f.call->flight().returned == 1);
  CHECK(f.call->flight().code == STANDPIPE_DISCONNECTED);
  CHECK(f.call->flight().outcomes[0] == STANDPIPE_DELIVERED);
  CHECK(f.call->flight().outcomes[1] == STANDPIPE_REJECT);
  CHECK(f.scripted.seen == std::vector<std::string>{"1,2 a1"});
}

TEST_CASE(
    "the phases of a call can be seen while it is in progress, and outputs are added in open "
    "alone") {
  const bool threaded = GENERATE(false, true);
  Fixture f(threaded);
  std::vector<Phase> phases;
  const auto look = [&] { phases.push_back(f.call->phase()); };
  f.scripted.on_create = look;
  f.scripted.on_close = look;
  f.scripted.on_open = [&](const auto& host) {
    look();
    CHECK(test::add_fifo(host, "none") == 0);
    CHECK(f.executor->answer().ok());
  };
  f.create();
  f.make(CallKind::open);
  f.make(CallKind::close);
  CHECK(phases == std::vector<Phase>{Phase::create, Phase::open, Phase::close});
}

TEST_CASE("only a call that the loop waits for is on the loop") {
  const bool threaded = GENERATE(false, true);
  Fixture f(threaded);
  std::uint64_t on_loop = 77;
  std::thread::id place;
  f.scripted.on_open = [&](const auto&) {
    on_loop = f.one.memory.watches()[0].on_loop;
    place = std::this_thread::get_id();
  };
  f.create();
  f.make(CallKind::open);
  CHECK(on_loop % 2 == (threaded ? 0 : 1));
  CHECK((place == std::this_thread::get_id()) == !threaded);
  CHECK(f.one.memory.watches()[0].on_loop % 2 == 0);
}

TEST_CASE("in the place of a plugin that is no more all is rejected, and nothing is called") {
  Fixture f(false);
  f.executor = std::make_unique<deliver::RejectingExecutor>(f.call->flight());
  f.one.append("a");
  f.one.append("b");
  f.batch.fill_next(f.one.delivery);
  CHECK(f.make(CallKind::handle).ok());
  CHECK(f.call->flight().returned == 1);
  CHECK(f.call->flight().result.at == 2);
  CHECK(f.call->flight().outcomes[0] == STANDPIPE_REJECT);
  CHECK(f.call->flight().outcomes[1] == STANDPIPE_REJECT);
  CHECK(f.make(CallKind::close).ok());
  CHECK(f.scripted.seen.empty());
}
