// SPDX-License-Identifier: Apache-2.0
#include "worker/signals.h"

#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

#include "base/failure.h"

namespace standpipe::worker {

Signals::Signals(pid_t keeper) : keeper_(keeper) {
  sigset_t set;
  sigemptyset(&set);
  for (const int s : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&set, s);
  pthread_sigmask(SIG_BLOCK, &set, &before_);
  ::signal(SIGPIPE, SIG_IGN);
  fd_.reset(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd_) throw Failure::system("listen to signals", errno);
}

Signals::~Signals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

int Signals::next() {
  signalfd_siginfo info{};
  while (::read(fd_.get(), &info, sizeof info) == sizeof info)
    if (keeper_ == 0 || static_cast<pid_t>(info.ssi_pid) == keeper_) return static_cast<int>(info.ssi_signo);
  return 0;
}

}  // namespace standpipe::worker
