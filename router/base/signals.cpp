// SPDX-License-Identifier: Apache-2.0
#include "base/signals.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "base/failure.h"
#include "base/remedies.h"
#include "base/text.h"

namespace standpipe {
namespace {

// Where addresses or data are limited, the same error means that a thread's stack has no room.
std::string help_for_a_thread() {
  std::string help = kMoreProcesses;
  for (const auto& [resource, option] :
       {std::pair(RLIMIT_AS, "-v"), std::pair(RLIMIT_DATA, "-d")}) {
    rlimit limit{};
    if (::getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
      help += "; or that of memory, " + size_text(limit.rlim_cur) + " now (ulimit " + option + ")";
  }
  return help;
}

}  // namespace

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
  if (problem != 0) throw Failure::system("start a thread", problem, help_for_a_thread());
  return thread;
}

}  // namespace standpipe
