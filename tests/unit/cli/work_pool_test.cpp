// SPDX-License-Identifier: Apache-2.0
#include "cli/work_pool.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>

#include "console.h"
#include "fifo_fixture.h"

using namespace standpipe::cli;
using namespace std::chrono_literals;
using kit::Console;

namespace {

class Remembering final : public standpipe::Reporter {
 public:
  void say(const standpipe::Diagnostic& d) override { said.push_back(d.message); }
  std::vector<std::string> said;
};

struct Fixture {
  kit::Folder folder;
  Remembering reporter;
  std::vector<std::string> failed;
  WorkPool pool(const std::string& command, WorkPool::Options options) {
    return WorkPool(WorkCommand(command), options, reporter,
                    [this](const std::string& m) { failed.push_back(m); });
  }
  // As its owner does, until nothing is left to do.
  void run(WorkPool& pool) {
    for (pool.turn(); !pool.is_idle(); pool.turn()) {
      std::vector<pollfd> waiting;
      pool.add_to(waiting);
      ::poll(waiting.data(), waiting.size(), milliseconds_until(pool.next_start()));
    }
  }
  // A command that does it with the message in a file of its own.
  std::string shell(const std::string& script) {
    return "sh -c 'cd " + folder.path() + " && " + script + "'";
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "commands run side by side, and each holds one message") {
  auto work = pool(shell("cat > $$"), {.workers = 3});
  for (const auto* message : {"a", "b", "c"}) {
    CHECK_FALSE(work.is_full());
    work.take(message);
  }
  CHECK(work.is_full());
  run(work);
  CHECK(work.done() == 3);
  CHECK((reporter.said.empty() && failed.empty()));
}

TEST_CASE_METHOD(Fixture, "what fails is tried again after a pause, and done when it succeeds") {
  auto work = pool(shell("echo x >> tries; test $(wc -l < tries) -ge 3"), {.pause = 1ms});
  work.take("message");
  run(work);
  CHECK(work.done() == 1);
  CHECK(kit::read_file(folder / "tries") == "x\nx\nx\n");
  REQUIRE(reporter.said.size() == 2);
  CHECK(reporter.said[0] == "sh failed on a message of 7 bytes (exit status 1), attempt 1 of 5");
}

TEST_CASE_METHOD(Fixture,
                 "after the last attempt a message has failed for good, and is handed back") {
  auto work = pool("sh -c 'kill -9 $$'", {.attempts = 2, .pause = 1ms});
  work.take("message");
  run(work);
  CHECK(failed == std::vector<std::string>{"message"});
  CHECK((work.failed() == 1 && work.done() == 0));
  CHECK(reporter.said.back() == "sh failed on a message of 7 bytes (SIGKILL), attempt 2 of 2");
}

TEST_CASE_METHOD(Fixture, "finishing starts nothing more, and aborting ends what runs") {
  auto waiting = pool("false", {.pause = 1h});
  waiting.take("waits");
  while (!waiting.next_start() || *waiting.next_start() < steady_now() + 10s) waiting.turn();
  waiting.finish();
  CHECK(waiting.is_idle());
  auto running = pool("sleep 100", {});
  running.take("runs");
  running.finish();
  CHECK_FALSE(running.is_idle());
  running.abort();
  CHECK(running.is_idle());
  CHECK(failed == std::vector<std::string>{"waits", "runs"});
}

TEST_CASE("recv gives each message to a command, and what fails for good is printed") {
  kit::Fifo fifo;
  const standpipe::Fd ends(::open(fifo.path.c_str(), O_RDWR | O_CLOEXEC));
  kit::write_all(ends, kit::frame("good 1") + kit::frame("bad") + kit::frame("good 2"));
  kit::Folder folder;
  Console c;
  CHECK(c.run({"recv", fifo.path, "--count", "3", "--attempts", "1", "--workers", "2", "--exec",
               "sh -c 'case $1 in good*) echo $1 >> $0;; *) exit 3;; esac' " + (folder / "got") +
                   " {}"}) == 1);
  CHECK(c.out() == "bad\n");
  CHECK(c.err() ==
        "warning: sh failed on a message of 3 bytes (exit status 3), attempt 1 of 1\n"
        "error: 1 message of 3 failed for good\n  help: they were printed on standard output\n");
  auto got = kit::read_file(folder / "got");
  CHECK((got == "good 1\ngood 2\n" || got == "good 2\ngood 1\n"));
}

TEST_CASE("options for commands need a command") {
  Console c;
  CHECK(c.run({"recv", "/x", "--workers", "2"}) == 2);
  CHECK(c.err().starts_with("error: --workers is for --exec\n"));
  Console d;
  CHECK(d.run({"recv", "/x", "--exec", "no-such-command-anywhere"}) == 1);
  CHECK(d.err() ==
        "error: there is no command no-such-command-anywhere\n"
        "  help: it is searched in PATH\n");
  CHECK_FALSE(std::filesystem::exists("/x"));
}
