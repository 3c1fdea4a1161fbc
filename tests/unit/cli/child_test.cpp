// SPDX-License-Identifier: Apache-2.0
#include "cli/child.h"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>

using namespace standpipe::cli;
using namespace std::chrono_literals;

TEST_CASE("what a program prints is gathered, and it ends when it is told to") {
  Interruption interruption;
  Child child({"/bin/sh", "-c",
               "trap 'echo bye; exit 3' TERM; echo ready >&2; while :; do sleep 0.01; done"});
  CHECK(child.gather_until([&] { return child.err() == "ready\n"; }, 10s, interruption));
  CHECK(child.stop(10s, interruption) == 3);
  CHECK(child.out() == "bye\n");
}

TEST_CASE("a program that ended is noticed at once") {
  Interruption interruption;
  Child child({"/bin/sh", "-c", "echo no >&2; exit 1"});
  CHECK_FALSE(child.gather_until([] { return false; }, 60s, interruption));
  CHECK(child.err() == "no\n");
  CHECK(child.stop(1s, interruption) == 1);
}

TEST_CASE("a program that does not want to end is killed, and nothing of it stays") {
  Interruption interruption;
  {
    Child child({"/bin/sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.01; done"});
    REQUIRE(child.gather_until([&] { return child.out() == "up\n"; }, 10s, interruption));
    CHECK_FALSE(child.stop(50ms, interruption));
  }
  { Child forgotten({"/bin/sleep", "60"}); }
  CHECK((::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD));
}
