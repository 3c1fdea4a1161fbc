// SPDX-License-Identifier: Apache-2.0
#include "base/signals.h"

#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/failure.h"

namespace standpipe {

Signals::Signals(pid_t only_from, std::initializer_list<int> also) : only_from_(only_from) {
  sigset_t set;
  sigemptyset(&set);
  for (const int s : kHeard) sigaddset(&set, s);
  for (const int s : also) {
    sigaddset(&set, s);
    ::signal(s, SIG_DFL);  // one that our parent left ignored would not come; an ignored CHLD reaps children without us
  }
  ::pthread_sigmask(SIG_BLOCK, &set, &before_);
  ::signal(SIGPIPE, SIG_IGN);
  fd_.reset(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd_) throw Failure::system("listen to signals", errno);
}

Signals::~Signals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

int Signals::next() {
  signalfd_siginfo info{};
  while (::read(fd_.get(), &info, sizeof info) == sizeof info)
    if (only_from_ == 0 || static_cast<pid_t>(info.ssi_pid) == only_from_) return static_cast<int>(info.ssi_signo);
  return 0;
}

std::thread start_without_signals(std::function<void()> work) {
  sigset_t all, before;
  sigfillset(&all);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) sigdelset(&all, fault);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(work));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace standpipe
