// SPDX-License-Identifier: Apache-2.0
#include "deliver/child_process.h"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <set>

#include "base/limits.h"
#include "deliver/call_page.h"
#include "deliver/child_wire.h"
#include "places.h"
#include "state/memory.h"

using namespace standpipe;
using namespace std::chrono_literals;
using deliver::ChildDescriptors;
using deliver::ChildProcess;

namespace {

class Fixture {
 public:
  Fixture() {
    setup.handler = "it";
    setup.plugin = places::misbehaving() + "/dying.so";
    setup.worker = ::getpid();
    setup.messages_offset = memory.arena_offset();
    setup.messages_bytes = memory.arena().size();
  }
  // Returns when it has answered a call, so that all that it does at its beginning is done.
  ChildProcess& start() {
    auto& started = child.emplace(
        program, setup,
        ChildProcess::Lent{.memory = memory.fd(), .page = page.fd(), .made = -1, .wake = -1});
    page->write_request({.kind = deliver::CallKind::close}, false);
    REQUIRE(deliver::send_number(started.calls(), 1) == 0);
    std::uint64_t number = 0;
    REQUIRE(deliver::receive_number(started.calls(), number, true) == deliver::Heard::message);
    CHECK(number == 1);
    return started;
  }
  // What lies behind each descriptor that it has.
  std::multiset<std::string> descriptors() const {
    std::multiset<std::string> all;
    const auto folder = "/proc/" + std::to_string(child->pid()) + "/fd";
    for (const auto& entry : std::filesystem::directory_iterator(folder))
      if (std::stoi(entry.path().filename()) > STDERR_FILENO) {
        const auto target = std::filesystem::read_symlink(entry.path()).string();
        all.insert(target.substr(0, target.find(':')));
      }
    return all;
  }

  state::Memory memory{state::MemoryPlan{.memory_max = 4 * MiB}};
  deliver::SharedCallPage page;
  keeper::Program program{places::program()};
  deliver::ChildSetup setup;
  std::optional<ChildProcess> child;
};

}  // namespace

TEST_CASE("descriptors are handed over by number, and none of the standard streams is one") {
  const ChildDescriptors d{5, 6, 7, 8, 9, -1, 10};
  CHECK(d.text() == "5,6,7,8,9,-1,10");
  CHECK(d.all() == std::vector<int>{5, 6, 7, 8, 9, 10});
  CHECK(ChildDescriptors::parse("5,6,7,8,9,-1,10")->page == 9);
  for (const auto* wrong : {"", "5", "5,6,7,8,9,-1", "5,6,7,8,9,10,11,12", "5,6,7,8,9,10,11x",
                            "2,6,7,8,9,-1,-1", "5,6,7,8,9,2,-1"})
    CHECK_FALSE(ChildDescriptors::parse(wrong));
}

TEST_CASE("a child has two sockets open besides the standard streams, whatever its parent has",
          "[fork]") {
  Fixture f;
  const Fd open(::dup(STDERR_FILENO));  // and not close-on-exec
  f.start();
  CHECK(f.descriptors() == std::multiset<std::string>{"socket", "socket"});
}

TEST_CASE("a child ends when it is asked to, and says nothing of a fault", "[fork]") {
  Fixture f;
  CHECK(f.start().end(10s));
}

TEST_CASE("a child that is killed is waited for, and the signal is known", "[fork]") {
  Fixture f;
  auto& child = f.start();
  CHECK_FALSE(child.has_ended_within(0s));
  child.kill();
  CHECK(child.has_ended_within(10s));
  const auto status = child.reap();
  REQUIRE(status);
  CHECK(WTERMSIG(*status) == SIGKILL);
}

TEST_CASE("a child whose plugin is gone by now says so, and is there", "[fork]") {
  Fixture f;
  f.setup.plugin = "/nowhere/it.so";
  f.start();
  CHECK(f.page->read_answer().code == STANDPIPE_FATAL);
  CHECK(f.page->read_answer().reason.starts_with("/nowhere/it.so: "));
}

TEST_CASE("a child whose plugin declares other options by now refuses the values of the old ones",
          "[fork]") {
  Fixture f;
  f.setup.declared = "other 1\n";
  f.start();
  CHECK(f.page->read_answer().reason ==
        "the file of its plugin has other options by now: reload the hub");
}
