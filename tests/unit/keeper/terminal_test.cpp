// SPDX-License-Identifier: Apache-2.0
#include "keeper/terminal.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <functional>

#include "base/fd.h"

using namespace standpipe;
using namespace std::chrono_literals;
using keeper::Terminal;
using Meaning = Terminal::Meaning;

namespace {

constexpr Signals::Came kHangupByKernel{SIGHUP, true}, kHangupByPerson{SIGHUP, false},
    kInterruptByKey{SIGINT, true}, kInterruptByPerson{SIGINT, false};

// Whether it holds in a process that leads a session of its own, without a terminal.
bool holds_in_session(const std::function<bool()>& check) {
  const auto pid = ::fork();
  if (pid == 0) {
    ::setsid();
    sigset_t hangup;
    sigemptyset(&hangup);
    sigaddset(&hangup, SIGHUP);
    ::sigprocmask(SIG_BLOCK, &hangup, nullptr);
    ::_exit(check() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status == 0;
}

// A terminal for the session, and its end: that of the window.
Fd take_terminal() {
  Fd window(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!window || ::grantpt(window.get()) != 0 || ::unlockpt(window.get()) != 0) return {};
  const Fd terminal(::open(::ptsname(window.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  return ::ioctl(terminal.get(), TIOCSCTTY, 0) == 0 ? std::move(window) : Fd();
}

}  // namespace

TEST_CASE("without a terminal a SIGHUP of a person is a request, and the kernel's a hang-up") {
  CHECK(holds_in_session([] {
    Terminal terminal(false);
    return terminal.of(kHangupByPerson, 0ns) == Meaning::as_sent && !terminal.next() &&
           terminal.of(kHangupByKernel, 0ns) == Meaning::hangup;
  }));
}

TEST_CASE("a hang-up means nothing where it was to be ignored") {
  CHECK(
      holds_in_session([] { return Terminal(true).of(kHangupByKernel, 0ns) == Meaning::nothing; }));
  CHECK(holds_in_session([] {
    ::signal(SIGHUP, SIG_IGN);  // nohup
    Terminal terminal(false);
    return terminal.of(kHangupByKernel, 0ns) == Meaning::nothing &&
           terminal.of(kHangupByPerson, 0ns) == Meaning::as_sent;
  }));
}

TEST_CASE("a key for the job in the foreground means nothing to one in the background") {
  CHECK(holds_in_session([] {
    ::signal(SIGINT, SIG_IGN);
    Terminal terminal(false);
    return terminal.of(kInterruptByKey, 0ns) == Meaning::nothing &&
           terminal.of(kInterruptByPerson, 0ns) == Meaning::as_sent;
  }));
  CHECK(holds_in_session([] {
    ::signal(SIGINT, SIG_DFL);
    return Terminal(false).of(kInterruptByKey, 0ns) == Meaning::as_sent;
  }));
}

TEST_CASE("other signals mean what they say") {
  CHECK(holds_in_session([] {
    Terminal terminal(false);
    return terminal.of({SIGTERM, true}, 0ns) == Meaning::as_sent &&
           terminal.of({SIGUSR1, false}, 0ns) == Meaning::as_sent && !terminal.next();
  }));
}

TEST_CASE("after a SIGHUP the terminal is looked at once more, and may be there") {
  CHECK(holds_in_session([] {
    const auto window = take_terminal();
    Terminal terminal(false);
    return window && terminal.of(kHangupByPerson, 1s) == Meaning::as_sent &&
           terminal.next() == 1s + Terminal::kPollInterval && !terminal.poll(1s) &&
           terminal.next() && !terminal.poll(2s) && !terminal.next();
  }));
}

TEST_CASE("a shell's SIGHUP, a moment before the terminal is gone, is a hang-up after all") {
  CHECK(holds_in_session([] {
    auto window = take_terminal();
    Terminal terminal(false);
    const bool is_request = window && terminal.of(kHangupByPerson, 1s) == Meaning::as_sent;
    window.reset();
    return is_request && terminal.poll(2s) && !terminal.poll(3s);
  }));
}

TEST_CASE("a SIGHUP after the terminal has gone is a hang-up, whoever sent it") {
  CHECK(holds_in_session([] {
    auto window = take_terminal();
    Terminal terminal(false);
    const bool had = static_cast<bool>(window);
    window.reset();
    return had && terminal.of(kHangupByPerson, 1s) == Meaning::hangup;
  }));
}

TEST_CASE("what ignores hang-ups ignores a terminal that goes") {
  CHECK(holds_in_session([] {
    auto window = take_terminal();
    Terminal terminal(true);
    const bool had = window && terminal.of(kHangupByPerson, 1s) == Meaning::as_sent;
    window.reset();
    return had && !terminal.poll(2s);
  }));
}
