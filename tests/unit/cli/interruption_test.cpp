// SPDX-License-Identifier: Apache-2.0
#include "cli/interruption.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>

#include "base/fd.h"
#include "temporary_folder.h"

using namespace standpipe;
using namespace standpipe::cli;
using namespace std::chrono_literals;

TEST_CASE("interruptions are counted, and do nothing else while somebody counts") {
  Interruption interruption;
  CHECK(interruption.times() == 0);
  ::raise(SIGTERM);
  CHECK(interruption.times() == 1);
  ::raise(SIGINT);
  ::raise(SIGHUP);
  CHECK(interruption.times() == 3);
}

TEST_CASE("a wait ends when the descriptor is ready, late, or at an interruption that is new") {
  Interruption interruption;
  const auto pipe = Pipe::make(4096);
  const auto wait = [&](int known) {
    return wait_for(pipe.read_end.get(), POLLIN, interruption, steady_now() + 10ms, known);
  };
  CHECK(wait(0) == Waited::late);
  REQUIRE(::write(pipe.write_end.get(), "a", 1) == 1);
  CHECK(wait(0) == Waited::ready);
  char byte = 0;
  REQUIRE(::read(pipe.read_end.get(), &byte, 1) == 1);
  ::raise(SIGTERM);
  CHECK(wait(0) == Waited::interrupted);
  CHECK(wait(1) == Waited::late);  // that one is known
}

TEST_CASE("a lock that somebody else has is waited for, until the deadline") {
  Interruption interruption;
  const test::TemporaryFolder folder;
  const auto open = [&] {
    return Fd(::open((folder / "f").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  };
  const Fd ours = open(), theirs = open();
  REQUIRE(::flock(theirs.get(), LOCK_EX) == 0);
  CHECK(lock_exclusively(ours.get(), interruption, steady_now() + 30ms) == Waited::late);
  ::flock(theirs.get(), LOCK_UN);
  CHECK(lock_exclusively(ours.get(), interruption, steady_now() + 30ms) == Waited::ready);
  CHECK(::flock(theirs.get(), LOCK_EX | LOCK_NB) != 0);
}

TEST_CASE("a wait never ends before its deadline, and no deadline is for ever") {
  CHECK(milliseconds_until(std::nullopt) == -1);
  CHECK(milliseconds_until(steady_now() - 1s) == 0);
  for (int i = 0; i < 5; ++i) {
    const auto deadline = steady_now() + 1500us;
    (void)::poll(nullptr, 0, milliseconds_until(deadline));
    CHECK(steady_now() >= deadline);
  }
}
