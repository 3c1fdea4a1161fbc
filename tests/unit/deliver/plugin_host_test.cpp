// SPDX-License-Identifier: Apache-2.0
#include "deliver/plugin_host.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/limits.h"
#include "needs.h"
#include "senders.h"
#include "temporary_folder.h"

using namespace standpipe;

namespace {

// A hub that opens outputs, and a plugin's host.
class Fixture : public test::Needs {
 public:
  deliver::Output* open(const plugin::FifoOutputRequest& request, std::string& reason) override {
    if (request.path.ends_with("refused")) return Needs::open(request, reason);
    opened.push_back(std::make_unique<deliver::Output>(request, senders.needs(quiet, 4 * KiB)));
    opened.back()->attach(memory, link, static_cast<std::uint32_t>(opened.size() - 1));
    return opened.back().get();
  }
  std::uint32_t add(const std::string& file) { return host.add_fifo({.path = folder / file}, why); }

  test::TemporaryFolder folder;
  test::ManualClock clock;
  state::Memory memory{state::MemoryPlan{.memory_max = 4 * MiB}};
  test::Senders senders{[](auto) -> deliver::Delivery& { throw state::Memory::Damaged("none"); }};
  keeper::Link link = keeper::Link::none();
  std::vector<std::unique_ptr<deliver::Output>> opened;
  std::string why;
  std::string name = "it";
  deliver::PluginHost host{name, needs(clock, memory)};
};

}  // namespace

TEST_CASE("outputs are added in open, numbered from one, and begin anew with the next open") {
  Fixture f;
  f.host.begin_open();
  CHECK(f.add("a") == 1);
  CHECK(f.add("b") == 2);
  f.host.end_open();
  CHECK(f.host.output(2).path() == f.folder / "b");
  CHECK(f.host.has_output(2));
  CHECK_FALSE(f.host.has_output(3));
  CHECK_FALSE(f.host.has_output(0));
  f.host.begin_open();
  CHECK(f.host.outputs().empty());
}

TEST_CASE("outputs outside of open, too many, or that the hub refuses are none, with the reason") {
  Fixture f;
  CHECK(f.add("a") == 0);
  CHECK(f.why == "outputs can be added in open only");
  f.host.begin_open();
  CHECK(f.add("refused") == 0);
  CHECK(f.why == "no outputs here");
  for (std::size_t i = 0; i < kOutputsMax; ++i) f.add(std::to_string(i));
  CHECK(f.add("one more") == 0);
  CHECK(f.why == "a handler can have 16 outputs at most");
}

TEST_CASE("everything can be sent to an output that there is, if that is asked in open") {
  Fixture f;
  f.host.begin_open();
  CHECK_FALSE(f.host.send_all(1));
  f.add("a");
  CHECK(f.host.send_all(1));
  f.host.end_open();
  CHECK_FALSE(f.host.send_all(1));
  CHECK(f.host.sends_all_to() == 1);
  f.host.begin_open();
  CHECK(f.host.sends_all_to() == 0);
}

TEST_CASE("one output without room is enough not to accept; batches that are expected take room") {
  Fixture f;
  f.host.begin_open();
  f.add("a");
  f.add("b");
  CHECK(f.host.accepts());
  int expected = 0;
  for (; f.host.accepts(); ++expected) f.host.expect();
  for (; expected > 0; --expected) f.host.expected();
  CHECK(f.host.accepts());
  while (f.opened[1]->accepts()) f.opened[1]->expect();
  CHECK_FALSE(f.host.accepts());
  CHECK(f.host.pending() == 0);
}

TEST_CASE("a plugin logs under its handler's name, and knows the time and whether the hub stops") {
  Fixture f;
  f.host.log(STANDPIPE_LOG_WARNING, "low");
  CHECK(f.quiet.reported == std::vector<std::string>{"it: low"});
  CHECK(f.host.now() == 1'000'000'000);
  CHECK_FALSE(f.host.stopping());
  f.stopping = true;
  CHECK(f.host.stopping());
}

TEST_CASE("a plugin that logs without end is told a part of, and how much was left out, once") {
  Fixture f;
  for (int i = 0; i < 100'000; ++i) f.host.log(STANDPIPE_LOG_INFO, "again");
  CHECK(f.quiet.reported.size() == 400);
  f.host.log(STANDPIPE_LOG_ERROR, "an error");
  CHECK(f.quiet.reported.back() == "it: an error");
  f.clock.now += std::chrono::seconds(10);
  f.host.log(STANDPIPE_LOG_INFO, "later");
  CHECK(f.quiet.reported.size() == 403);
  CHECK(f.quiet.reported[401] == "it: it logs too much: 99,600 more lines were left out");
  CHECK(f.quiet.reported[402] == "it: later");
}

TEST_CASE("what was left out of a flood is said when its time is over, and at the end") {
  Fixture f;
  auto flood = [&](int lines) {
    for (int i = 0; i < lines; ++i) f.host.log(STANDPIPE_LOG_WARNING, "again");
    f.quiet.reported.clear();
  };
  flood(401);
  f.host.report_left_out(f.clock.now + std::chrono::seconds(9));
  CHECK(f.quiet.reported.empty());
  f.host.report_left_out(f.clock.now + std::chrono::seconds(10));
  CHECK(f.quiet.reported ==
        std::vector<std::string>{"it: it logs too much: 1 more line was left out"});
  f.clock.now += std::chrono::seconds(10);
  test::Quiet& said = f.quiet;
  {
    deliver::PluginHost another{f.name, f.needs(f.clock, f.memory)};
    for (int i = 0; i < 500; ++i) another.log(STANDPIPE_LOG_WARNING, "again");
    said.reported.clear();
  }
  CHECK(said.reported ==
        std::vector<std::string>{"it: it logs too much: 100 more lines were left out"});
}
