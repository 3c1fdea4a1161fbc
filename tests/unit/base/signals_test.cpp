// SPDX-License-Identifier: Apache-2.0
#include "base/signals.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>

#include "base/failure.h"

using namespace standpipe;

namespace {

bool is_blocked(int signal) {
  sigset_t now;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &now);
  return ::sigismember(&now, signal) == 1;
}

}  // namespace

TEST_CASE("signals come by a descriptor, one after the other, and what was before is restored") {
  const bool blocked_before = is_blocked(SIGTERM);
  {
    Signals signals({SIGUSR2});
    CHECK_FALSE(signals.next());
    ::raise(SIGTERM);
    ::raise(SIGUSR2);
    pollfd readable{signals.fd(), POLLIN, 0};
    CHECK(::poll(&readable, 1, 0) == 1);
    const auto first = signals.next(), second = signals.next();
    CHECK(first.signal + second.signal == SIGTERM + SIGUSR2);
    CHECK_FALSE(first.by_kernel);
    CHECK_FALSE(signals.next());
    CHECK(is_blocked(SIGUSR2));
  }
  CHECK(is_blocked(SIGTERM) == blocked_before);
  CHECK_FALSE(is_blocked(SIGUSR2));
}

TEST_CASE("a thread gets no signals but those of its own faults") {
  bool all_blocked = true, faults_blocked = false;
  start_without_signals([&] {
    for (const int signal : Signals::kHandled) all_blocked &= is_blocked(signal);
    for (const int signal : kFaults) faults_blocked |= is_blocked(signal);
  }).join();
  CHECK(all_blocked);
  CHECK_FALSE(faults_blocked);
  CHECK_FALSE(is_blocked(SIGUSR2));
}

// In a child, which may have no thread more.
TEST_CASE("where no thread can be had that is a failure, and signals come as before") {
  const auto child = ::fork();
  if (child == 0) {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_NPROC, &none);
    if (::geteuid() == 0) (void)!::setresuid(65534, 65534, 65534);
    const bool was_blocked = is_blocked(SIGUSR1);
    int result = 1;
    try {
      start_without_signals([] {}).join();
    } catch (const Failure&) {
      result = is_blocked(SIGUSR1) == was_blocked ? 0 : 2;
    }
    ::_exit(result);
  }
  int status = -1;
  CHECK(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}
