// SPDX-License-Identifier: Apache-2.0
#include "deliver/process_executor.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <fstream>
#include <future>
#include <map>
#include <optional>
#include <string>

#include "deliver/one_handler.h"
#include "places.h"
#include "temporary_folder.h"

using namespace standpipe;
using namespace std::chrono_literals;
using deliver::CallKind;
using deliver::Ending;
using deliver::Phase;

namespace {

// A handler of a plugin of the tests, in a child of this process.
class Fixture : public test::OneHandler {
 public:
  explicit Fixture(const std::string& plugin, const std::map<std::string, std::string>& given = {},
                   Nanoseconds timeout = {}) {
    plugin::Refused refused;
    options.plugin = registry.find(plugin, refused);
    REQUIRE(options.plugin);
    options.timeout = timeout;
    for (const auto& option : options.plugin->options) {
      const auto at = given.find(option.name);
      options.values.push_back(at == given.end()
                                   ? plugin::default_value(option, folder.path())
                                   : plugin::parse_value(option, at->second, folder.path()).value);
    }
    its_needs.emplace(needs(clock, one.memory)).children = &children;
    call.emplace(one.memory, options, 0);
    call->use_child(page->flight);
    host.emplace(options.name, *its_needs);
    executor = std::make_unique<deliver::ProcessExecutor>(options, 0, *its_needs, *host, page,
                                                          [this] { completed.set_value(); });
  }
  // As the loop does it.
  Ending make(CallKind kind) {
    const deliver::CallRequest request{.kind = kind, .batch = &batch};
    kind == CallKind::handle ? call->begin_handle(batch, {}) : call->begin(kind);
    completed = {};
    if (!executor->start(request)) completed.get_future().wait();
    call->fetch();
    return executor->take_ending();
  }
  Ending handle(const char* message) {
    one.append(message);
    REQUIRE(batch.fill_next(one.delivery));
    return make(CallKind::handle);
  }

  test::TemporaryFolder folder;
  plugin::Registry registry{{places::misbehaving()}};
  keeper::Program program{places::program()};
  keeper::Link link = keeper::Link::none();
  deliver::ChildNeeds children{program, link};
  deliver::SharedCallPage page;
  std::promise<void> completed;
  std::optional<deliver::HandlerNeeds> its_needs;
  std::optional<deliver::Call> call;
  std::optional<deliver::PluginHost> host;
  std::unique_ptr<deliver::ProcessExecutor> executor;
};

std::map<std::string, std::string> dying(const char* phase, const char* way) {
  return {{"in", phase}, {"by", way}, {"until", "cured"}};
}

}  // namespace

TEST_CASE("a call in a child comes back with the plugin's answer and its outcomes", "[fork]") {
  Fixture f("rejecting", {{"every", "2"}});
  CHECK(f.make(CallKind::create) == Ending::answered);
  CHECK(f.make(CallKind::open) == Ending::answered);
  f.one.append("first");
  f.one.append("second");
  REQUIRE(f.batch.fill_next(f.one.delivery));
  CHECK(f.make(CallKind::handle) == Ending::answered);
  CHECK(f.executor->answer().ok());
  CHECK(f.call->flight().result.at == 2);
  CHECK(f.call->flight().outcomes[0] == STANDPIPE_DELIVERED);
  CHECK(f.call->flight().outcomes[1] == STANDPIPE_REJECT);
  REQUIRE(f.call->flight().result.note_count == 1);
  const auto& note = f.call->flight().notes[0];
  CHECK(note.message == 1);
  CHECK(std::string(note.text, note.length) == "message 2 is one of those to reject");
  CHECK(f.executor->take_ending() == Ending::none);
  CHECK(f.make(CallKind::close) == Ending::answered);
}

TEST_CASE("the first call of open makes the instance, if nothing has made it", "[fork]") {
  Fixture f("rejecting");
  CHECK(f.make(CallKind::open) == Ending::answered);
  CHECK(f.handle("a") == Ending::answered);
}

TEST_CASE("where there is no child there is nothing to be closed", "[fork]") {
  Fixture f("rejecting");
  CHECK(f.make(CallKind::disconnect) == Ending::unmade);
  CHECK(f.make(CallKind::close) == Ending::unmade);
  CHECK(f.executor->answer().ok());
}

TEST_CASE("however a plugin ends its process, it is named, and the next one continues", "[fork]") {
  const auto [way, text] =
      GENERATE(table<const char*, const char*>({{"crash", "crashed (SIGSEGV)"},
                                                {"exit", "ended the process (exit 0)"},
                                                {"quit", "ended the process (exit 0)"},
                                                {"kill", "was killed (SIGKILL)"},
                                                {"overflow", "crashed (SIGSEGV)"}}));
  Fixture f("dying", dying("handle", way));
  CHECK(f.make(CallKind::open) == Ending::answered);
  CHECK(f.handle("poison") == Ending::died);
  CHECK(f.executor->death().text() == text);
  CHECK(f.executor->death().is_childs());
  CHECK(f.call->is_cut_off());
  CHECK(f.call->phase_of_death() == Phase::handle);
  CHECK(f.call->flight().result.at == 0);
  std::ofstream(f.folder / "cured");
  CHECK(f.make(CallKind::disconnect) == Ending::unmade);
  CHECK(f.make(CallKind::open) == Ending::answered);
  CHECK(f.make(CallKind::handle) == Ending::answered);
  CHECK(f.call->flight().returned == 1);
}

TEST_CASE("a death in another call says in which", "[fork]") {
  Fixture f("dying", dying("open", "crash"));
  CHECK(f.make(CallKind::create) == Ending::answered);
  CHECK(f.make(CallKind::open) == Ending::died);
  CHECK(f.call->phase_of_death() == Phase::open);
  CHECK(f.make(CallKind::open) == Ending::died);
  CHECK(f.call->is_cut_off());  // although the instance was made
  CHECK(f.call->phase_of_death() == Phase::open);
}

TEST_CASE("a call that takes longer than the timeout ends the child, and nothing else", "[fork]") {
  Fixture f("hanging", {{"until", "cured"}}, 200ms);
  CHECK(f.make(CallKind::open) == Ending::answered);
  CHECK(f.handle("fine") == Ending::answered);
  CHECK(f.handle("hang") == Ending::died);
  CHECK(f.executor->death().text() == "did not come back within 200ms");
  CHECK(f.executor->death().names(0));
}

TEST_CASE("what a child says that no child of ours says ends it", "[fork]") {
  for (const auto* lie : {"number", "packet", "service", "flood", "file"}) {
    INFO(lie);
    Fixture f("lying", {{"lie", lie}});
    CHECK(f.make(CallKind::open) == Ending::answered);
    CHECK(f.handle("a") == Ending::died);
    CHECK(f.executor->death().text() == "answered nonsense and was killed");
  }
}

TEST_CASE("a child that overwrites the page cannot make the hub do what no answer does", "[fork]") {
  Fixture f("lying", {{"lie", "page"}});
  CHECK(f.make(CallKind::open) == Ending::answered);
  const auto ending = f.handle("a");
  CHECK((ending == Ending::died || ending == Ending::answered));
  plugin::Handler::mend(f.call->flight().result, f.batch.count(), true, true);
  CHECK(f.call->flight().result.at <= 1);
  CHECK(f.call->flight().outcomes[0] <= STANDPIPE_TAKEN);
}

TEST_CASE("messages cannot be written to in a child", "[fork]") {
  Fixture f("lying", {{"lie", "message"}});
  CHECK(f.make(CallKind::open) == Ending::answered);
  CHECK(f.handle("fine") == Ending::died);
  CHECK(f.executor->death().text() == "crashed (SIGSEGV)");
  CHECK(std::memcmp(f.batch.payload(0).data(), "fine", 4) == 0);
}

TEST_CASE("outputs that a child asks for while it is not called are refused", "[fork]") {
  Fixture f("lying", {{"lie", "output"}});
  CHECK(f.make(CallKind::open) == Ending::answered);
  CHECK(f.handle("a") == Ending::answered);
  CHECK(f.host->outputs().empty());
}

TEST_CASE("what a plugin in a child settles from a thread of its own comes to the loop", "[fork]") {
  Fixture f("taking", {{"path", "out"}});
  std::promise<void> woken;
  f.host->wake_by([&] { woken.set_value(); });
  CHECK(f.make(CallKind::open) == Ending::answered);
  CHECK(f.handle("a") == Ending::answered);
  CHECK(f.call->flight().outcomes[0] == STANDPIPE_TAKEN);
  REQUIRE(woken.get_future().wait_for(5s) == std::future_status::ready);
  const auto late = f.host->late_outcomes().take(0);
  REQUIRE(late.size() == 1);
  CHECK(late[0].ticket == f.call->ticket());
  CHECK(late[0].outcome == STANDPIPE_DELIVERED);
  CHECK(f.make(CallKind::flush) == Ending::answered);
  CHECK(f.make(CallKind::close) == Ending::answered);
}

TEST_CASE("a child is called by the clock, and a tick that hangs ends it", "[fork]") {
  Fixture f("ticking", {{"path", "out"}, {"every", "1h"}, {"by", "hang"}}, 200ms);
  CHECK(f.make(CallKind::open) == Ending::answered);
  CHECK(f.make(CallKind::tick) == Ending::answered);
  CHECK(f.call->flight().next_tick == static_cast<std::uint64_t>(Nanoseconds(1h).count()));
  CHECK(f.make(CallKind::tick) == Ending::answered);
  CHECK(f.make(CallKind::tick) == Ending::died);
  CHECK(f.call->phase_of_death() == Phase::tick);
  CHECK(f.executor->death().text() == "did not come back within 200ms");
}
