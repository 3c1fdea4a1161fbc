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

// A session that has lost its terminal, or never had one, cannot open it.
bool is_there() { return static_cast<bool>(Fd(::open("/dev/tty", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC))); }

}  // namespace

Terminal::Terminal(bool ignore_hangup)
    : ignores_interrupt_(is_ignored(SIGINT)), ignores_hangup_(ignore_hangup || is_ignored(SIGHUP)), was_there_(is_there()) {}

Terminal::Meaning Terminal::of(Signals::Came came, Nanoseconds now) {
  if (came.signal == SIGINT && came.by_kernel && ignores_interrupt_) return Meaning::nothing;
  if (came.signal != SIGHUP) return Meaning::as_sent;
  if (came.by_kernel || (was_there_ && !is_there())) return hangup();
  if (was_there_) look_at_ = now + kLookAgain;
  return Meaning::as_sent;
}

bool Terminal::look(Nanoseconds now) {
  if (!look_at_ || now < *look_at_) return false;
  look_at_.reset();
  return !is_there() && hangup() == Meaning::hangup;
}

Terminal::Meaning Terminal::hangup() const { return ignores_hangup_ ? Meaning::nothing : Meaning::hangup; }

}  // namespace standpipe::keeper
