// SPDX-License-Identifier: Apache-2.0
#include "deliver/plugin_place.h"

#include <catch2/catch.hpp>
#include <future>
#include <optional>
#include <thread>

#include "deliver/keeping.h"
#include "deliver/one_handler.h"

using namespace standpipe;
using deliver::CallKind;
using deliver::Placement;

namespace {

// Where one handler's plugin is, worker after worker.
class PlaceFixture : public test::OneHandler {
 public:
  PlaceFixture() : OneHandler({"a", "b"}) {
    scripted.on_open = [this](const auto&) { caller = std::this_thread::get_id(); };
  }
  void begin(std::optional<Placement> placement) {
    end();
    options.placement = placement;
    link.emplace(keeper.start());
    children.emplace(deliver::ChildNeeds{program, *link});
    its_needs.emplace(needs(clock, one.memory));
    its_needs->children = &*children;
    call.emplace(one.memory, options, 0);
    host.emplace(options.name, *its_needs);
    place.emplace(options, 0, *its_needs, *host, *call, deliver::PluginPlace::Makes{},
                  [this] { completed.set_value(); });
  }
  void end() {
    place.reset();
    call.reset();
    link.reset();
  }
  // true: it came back at once.
  bool make(CallKind kind) {
    const deliver::CallRequest request{.kind = kind, .batch = &batch};
    completed = {};
    kind == CallKind::handle ? call->begin_handle(batch, {}) : call->begin(kind);
    const bool at_once = place->executor().start(request);
    if (!at_once) completed.get_future().wait();
    call->end();
    return at_once;
  }

  test::Keeping keeper;
  keeper::Program program;
  std::optional<keeper::Link> link;
  std::optional<deliver::ChildNeeds> children;
  std::optional<deliver::HandlerNeeds> its_needs;
  std::optional<deliver::Call> call;
  std::optional<deliver::PluginHost> host;
  std::promise<void> completed;
  std::optional<deliver::PluginPlace> place;
  std::thread::id caller;
};

}  // namespace

TEST_CASE_METHOD(PlaceFixture, "a plugin is called where the handler says, or else the plugin") {
  begin(Placement::inline_);
  place->executor().run({.kind = CallKind::create});
  CHECK(make(CallKind::open));
  CHECK(caller == std::this_thread::get_id());
  begin(Placement::thread);
  place->executor().run({.kind = CallKind::create});
  CHECK_FALSE(make(CallKind::open));
  CHECK(caller != std::this_thread::get_id());
  begin(std::nullopt);  // the scripted plugin asks for the loop
  place->executor().run({.kind = CallKind::create});
  CHECK(make(CallKind::open));
  CHECK(caller == std::this_thread::get_id());
  CHECK_FALSE(place->has_page());
}

TEST_CASE_METHOD(PlaceFixture, "what has departed is not called: it rejects what it is given") {
  options.departed = true;
  begin(Placement::thread);
  CHECK(make(CallKind::handle));
  CHECK(scripted.seen.empty());
  CHECK(call->flight().outcomes[0] == STANDPIPE_REJECT);
  CHECK(call->flight().outcomes[1] == STANDPIPE_REJECT);
}

TEST_CASE_METHOD(PlaceFixture,
                 "the page of a child's calls is kept, and the next worker's call "
                 "is as the child left it") {
  begin(Placement::process);
  CHECK(place->has_page());
  CHECK(call->uses_child());
  const Fd kept(::dup(keeper.find(deliver::call_page_name("it"))));
  REQUIRE(kept);
  call->begin_handle(batch, {});
  one.memory.commit();
  const deliver::SharedCallPage page(Fd(::dup(kept.get())));
  page->flight.code = STANDPIPE_DISCONNECTED;  // by the child, as its worker dies
  begin(Placement::thread);                    // and is configured otherwise then
  CHECK(place->has_page());
  CHECK(call->is_in_child());
  CHECK(call->flight().code == STANDPIPE_DISCONNECTED);
  CHECK_FALSE(call->uses_child());
}

TEST_CASE_METHOD(PlaceFixture, "without a keeper for children a thread is used instead") {
  begin(Placement::inline_);
  its_needs->children = nullptr;
  options.placement = Placement::process;
  place.emplace(options, 0, *its_needs, *host, *call, deliver::PluginPlace::Makes{},
                [this] { completed.set_value(); });
  CHECK_FALSE(place->has_page());
  place->executor().run({.kind = CallKind::create});
  CHECK_FALSE(make(CallKind::open));
  CHECK(caller != std::this_thread::get_id());
}
