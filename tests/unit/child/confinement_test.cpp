// SPDX-License-Identifier: Apache-2.0
#include "child/confinement.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <functional>

using namespace standpipe;

namespace {

// What a child returns that does this to itself.
int in_child(const std::function<int()>& what) {
  const auto pid = ::fork();
  if (pid == 0) ::_exit(what());
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

bool can_have(std::size_t bytes, int flags) {
  return ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

}  // namespace

TEST_CASE("data beyond the limit cannot be had, and what is shared is not counted",
          "[no-sanitizer]") {
  const auto status = in_child([] {
    if (child::limit_memory(256u << 20)) return 1;
    if (!can_have(16u << 20, MAP_PRIVATE)) return 2;
    if (can_have(512u << 20, MAP_PRIVATE)) return 3;
    return can_have(512u << 20, MAP_SHARED) ? 0 : 4;
  });
  CHECK(status == 0);
}

TEST_CASE("without a limit nothing is limited") { CHECK_FALSE(child::limit_memory(0)); }

TEST_CASE("a user that is not known is named") {
  const auto why = child::become_user("nobody-of-that-name");
  REQUIRE(why);
  CHECK(why->starts_with("there is no user nobody-of-that-name"));
  CHECK_FALSE(child::become_user(""));
}

TEST_CASE("root becomes another user for good, and others do not") {
  const auto status = in_child([] {
    const auto why = child::become_user("nobody");
    if (::getuid() == 0) return 1;
    return why ? 2 : (::setuid(0) == 0 ? 3 : 0);
  });
  CHECK(status == (::geteuid() == 0 ? 0 : 2));
}

TEST_CASE("a process dies with its parent, and is told if that is gone already") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const auto status = in_child([&] {
    ::close(ends[0]);
    const auto parent = ::getpid();
    if (::fork() == 0) {
      if (child::die_with(parent + 1)) ::_exit(1);
      if (!child::die_with(parent)) ::_exit(1);
      (void)!::write(ends[1], "x", 1);
      ::pause();
    }
    ::usleep(50'000);
    return 0;
  });
  ::close(ends[1]);
  CHECK(status == 0);
  char bytes[2];
  CHECK(::read(ends[0], bytes, 1) == 1);
  CHECK(::read(ends[0], bytes, 1) == 0);  // it has gone, with its end of the pipe
  ::close(ends[0]);
}

TEST_CASE("a process leaves its group, and takes what it starts along") {
  const auto status = in_child([] {
    child::leave_group();
    return ::getpgrp() == ::getpid() ? 0 : 1;
  });
  CHECK(status == 0);
}
