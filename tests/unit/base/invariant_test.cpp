// SPDX-License-Identifier: Apache-2.0
#include "base/invariant.h"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <string>

using namespace standpipe;

namespace {

// What a child says that is of that opinion, and what it ends by.
std::pair<std::string, int> opinion(bool holds) {
  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  const auto child = ::fork();
  if (child == 0) {
    ::signal(SIGABRT, SIG_DFL);
    ::dup2(pipe[1], STDERR_FILENO);
    const std::string name = "in";
    INVARIANT(holds, name, 7);
    ::_exit(0);
  }
  ::close(pipe[1]);
  std::string said(200, '\0');
  const auto n = ::read(pipe[0], said.data(), said.size());
  said.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  ::close(pipe[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return {said, status};
}

}  // namespace

TEST_CASE("an invariant that holds costs nothing but a look", "[fork]") {
  const auto [said, status] = opinion(true);
  CHECK(said.empty());
  CHECK(status == 0);
}

TEST_CASE("one that does not ends the process, with its place and what it was about", "[fork]") {
  const auto [said, status] = opinion(false);
  CHECK(said.find("bug: ") == 0);
  CHECK(said.find("invariant_test.cpp:") != std::string::npos);
  CHECK(said.ends_with(": holds in 7\n"));
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGABRT);
}
