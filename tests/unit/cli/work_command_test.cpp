// SPDX-License-Identifier: Apache-2.0
#include "cli/work_command.h"

#include <sys/wait.h>

#include <catch2/catch.hpp>

#include "base/failure.h"
#include "cli/status.h"
#include "plugins/files.h"

using namespace standpipe::cli;

namespace {

using Words = std::vector<std::string>;

int run(const std::string& line, const std::string& message) {
  const auto started = WorkCommand(line).start(message);
  INFO(started.why);
  REQUIRE(started.pid > 0);
  int status = 0;
  REQUIRE(::waitpid(started.pid, &status, 0) == started.pid);
  return status;
}

}  // namespace

TEST_CASE("a command is split as a shell splits it, and nothing is expanded") {
  const auto words = [](const char* line) { return WorkCommand(line).words(); };
  CHECK(words("sh  -c 'a b' \"c d\" e\\ f") == Words{"sh", "-c", "a b", "c d", "e f"});
  CHECK(words("echo '' $HOME a'b'c 'it''s' \"\\\"\"") ==
        Words{"echo", "", "$HOME", "abc", "its", "\""});
  CHECK_THROWS_AS(words("echo 'open"), WrongUsage);
  CHECK_THROWS_AS(words("  "), WrongUsage);
  CHECK_THROWS_AS(words("no-such-command-anywhere"), standpipe::Failure);
  CHECK_THROWS_AS(words("./no-such-file"), standpipe::Failure);
}

TEST_CASE("whoever gives a line of a shell learns that there is none") {
  try {
    (void)WorkCommand("no-such; echo");
    FAIL();
  } catch (const standpipe::Failure& failure) {
    CHECK(failure.what() == std::string("there is no command no-such;"));
    CHECK(failure.help() == "it is run without a shell; to have one: --exec \"sh -c '...'\"");
  }
}

TEST_CASE("a message is the standard input of its command") {
  kit::Folder folder;
  const std::string large(1 << 20, 'x');
  CHECK(run("sh -c 'cat > \"$0\"' " + (folder / "got"), large) == 0);
  CHECK(kit::read_file(folder / "got") == large);
}

TEST_CASE("where {} stands the message is an argument, whatever is in it") {
  kit::Folder folder;
  const std::string message = "$(touch /x); 'a' \"b\" {} \\";
  CHECK(run("sh -c 'printf %s \"$1\" > \"$0\"' " + (folder / "got") + " <{}>", message) == 0);
  CHECK(kit::read_file(folder / "got") == "<" + message + ">");
  const auto started = WorkCommand("echo {}").start(std::string("a\0b", 3));
  CHECK(started.pid == 0);
  CHECK(started.why == "it has a NUL byte, which no argument can have");
}
