// SPDX-License-Identifier: Apache-2.0
#include "base/signals.h"

#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/failure.h"
#include "base/remedies.h"

namespace standpipe {

Signals::Signals(std::initializer_list<int> also) {
  sigset_t set;
  sigemptyset(&set);
  for (const int s : kHandled) sigaddset(&set, s);
  for (const int s : also) {
    sigaddset(&set, s);
    ::signal(s, SIG_DFL);  // one that our parent left ignored would not come; an ignored CHLD reaps
                           // children without us
  }
  ::pthread_sigmask(SIG_BLOCK, &set, &before_);
  ::signal(SIGPIPE, SIG_IGN);
  fd_.reset(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd_) throw Failure::system("listen to signals", errno);
}

Signals::~Signals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

Signals::Came Signals::next() {
  signalfd_siginfo info{};
  if (::read(fd_.get(), &info, sizeof info) != sizeof info) return {};
  return {static_cast<int>(info.ssi_signo), info.ssi_code == SI_KERNEL};
}

sigset_t signals_of_the_keeper() {
  sigset_t set;
  sigemptyset(&set);
  for (const int s : Signals::kHandled) sigaddset(&set, s);
  sigaddset(&set, SIGQUIT);
  return set;
}

std::thread start_without_signals(std::function<void()> work) {
  sigset_t all, before;
  sigfillset(&all);
  for (const int fault : kFaults) sigdelset(&all, fault);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread;
  int problem = 0;
  try {
    thread = std::thread(std::move(work));
  } catch (const std::system_error& error) {
    problem = error.code().value();
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (problem != 0) throw Failure::system("start a thread", problem, kMoreProcesses);
  return thread;
}

}  // namespace standpipe
