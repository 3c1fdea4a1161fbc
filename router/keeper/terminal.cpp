// SPDX-License-Identifier: Apache-2.0
#include "keeper/terminal.h"

#include <fcntl.h>
#include <signal.h>

#include "base/fd.h"

namespace standpipe::keeper {
namespace {

bool is_ignored(int signal) {
  struct sigaction now {};
  return ::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

// A session without a terminal cannot open it.
bool is_there() {
  return static_cast<bool>(Fd(::open("/dev/tty", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)));
}

}  // namespace

Terminal::Terminal(bool ignore_hangup)
    : ignores_interrupt_(is_ignored(SIGINT)),
      ignores_hangup_(ignore_hangup || is_ignored(SIGHUP)),
      was_there_(is_there()) {}

Terminal::Meaning Terminal::of(Signals::Came came, Nanoseconds now) {
  if (came.signal == SIGINT && came.by_kernel && ignores_interrupt_) return Meaning::nothing;
  if (came.signal != SIGHUP) return Meaning::as_sent;
  if (came.by_kernel || (was_there_ && !is_there())) return hangup();
  if (was_there_) poll_at_ = now + kPollInterval;
  return Meaning::as_sent;
}

bool Terminal::poll(Nanoseconds now) {
  if (!poll_at_ || now < *poll_at_) return false;
  poll_at_.reset();
  return !is_there() && hangup() == Meaning::hangup;
}

Terminal::Meaning Terminal::hangup() const {
  return ignores_hangup_ ? Meaning::nothing : Meaning::hangup;
}

}  // namespace standpipe::keeper
