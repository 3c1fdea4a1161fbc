// SPDX-License-Identifier: Apache-2.0
#include "deliver/plugin_caller.h"

#include <catch2/catch.hpp>

#include "deliver/culprit.h"
#include "deliver/one_handler.h"

using namespace standpipe;
using deliver::CallKind;
using deliver::Phase;

namespace {

class Fixture : public test::OneHandler {
 public:
  Fixture() {
    host.emplace(options.name, needs(clock, one.memory));
    caller.emplace(options, 3, *host, flight);
  }
  void make(CallKind kind) { caller->make({.kind = kind, .batch = &batch}); }

  deliver::Flight flight{};
  std::optional<deliver::PluginHost> host;
  std::optional<deliver::PluginCaller> caller;
};

}  // namespace

TEST_CASE("a call in which the plugin dies has not returned, and says in which phase it was") {
  Fixture f;
  f.make(CallKind::create);
  CHECK(f.flight.returned == 1);
  f.flight.returned = 0;
  f.scripted.on_open = [](const auto&) { throw test::Died{}; };
  CHECK_THROWS_AS(f.make(CallKind::open), test::Died);
  CHECK(f.flight.returned == 0);
  CHECK(f.flight.phase == Phase::open);
}

TEST_CASE("each call has an answer of its own") {
  Fixture f;
  f.make(CallKind::create);
  f.make(CallKind::open);
  f.one.append("a");
  f.batch.fill_next(f.one.delivery);
  f.flight.result.outcomes = f.flight.outcomes;
  plugin::Handler::prepare(f.flight.result, 1);
  f.scripted.script = {"X"};
  f.make(CallKind::handle);
  CHECK(f.caller->answer().code == STANDPIPE_DISCONNECTED);
  CHECK(f.flight.phase == Phase::handle);
  f.make(CallKind::disconnect);
  CHECK(f.caller->answer().ok());
  CHECK(f.flight.phase == Phase::close);
}
