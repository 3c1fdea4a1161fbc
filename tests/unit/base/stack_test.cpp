// SPDX-License-Identifier: Apache-2.0
#include "base/stack.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>

using namespace standpipe;

namespace {

// In a process of its own, which exits with the number that `check` returns.
template <class Check>
int with_limit(rlimit limit, Check check) {
  const auto child = ::fork();
  if (child == 0) ::_exit(::setrlimit(RLIMIT_STACK, &limit) == 0 ? check() : 99);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::size_t default_size_of_threads() {
  pthread_attr_t attributes;
  std::size_t bytes = 0;
  if (::pthread_getattr_default_np(&attributes) == 0)
    ::pthread_attr_getstacksize(&attributes, &bytes);
  return bytes;
}

}  // namespace

TEST_CASE("a small limit of the stack is raised as far as it may be", "[fork]") {
  CHECK(with_limit({64 * KiB, 16 * MiB}, [] {
          const auto failure = make_room_for_stacks();
          rlimit limit{};
          ::getrlimit(RLIMIT_STACK, &limit);
          return failure || limit.rlim_cur != 8 * MiB ? 1 : 0;
        }) == 0);
}

TEST_CASE("a limit that somebody else set high stays", "[fork]") {
  CHECK(with_limit({2 * MiB, 4 * MiB}, [] {
          const auto failure = make_room_for_stacks();
          rlimit limit{};
          ::getrlimit(RLIMIT_STACK, &limit);
          return failure || limit.rlim_cur != 2 * MiB ? 1 : 0;
        }) == 0);
}

TEST_CASE("a stack that cannot be large enough is a failure with the remedy", "[fork]") {
  CHECK(with_limit({64 * KiB, 64 * KiB}, [] {
          // Without the right to raise a hard limit.
          if (::geteuid() == 0 && ::setuid(65534) != 0) return 98;
          const auto failure = make_room_for_stacks();
          const bool says = failure && std::string(failure->what()) ==
                                           "the stack may have 64KiB, and standpipe needs 256KiB";
          return says && failure->help().find("ulimit -s") != std::string::npos ? 0 : 1;
        }) == 0);
}

TEST_CASE("threads have room whatever the limit was when the process began", "[fork]") {
  CHECK(with_limit({8 * MiB, RLIM_INFINITY}, [] {
          pthread_attr_t small;
          ::pthread_attr_init(&small);
          ::pthread_attr_setstacksize(&small, 64 * KiB);  // as a process with that limit begins
          ::pthread_setattr_default_np(&small);
          return make_room_for_stacks() || default_size_of_threads() < kThreadStackLeast ? 1 : 0;
        }) == 0);
}
