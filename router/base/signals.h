// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <functional>
#include <initializer_list>
#include <thread>

#include "base/fd.h"

namespace standpipe {

// What people and service managers ask by signals, as a descriptor: TERM and INT stop, HUP would reload, USR1 reopens files. PIPE
// is ignored: a reader that dies is an error of a write, not the end of the program. Blocked in this thread and those it starts,
// until destroyed.
class Signals {
 public:
  static constexpr int kHeard[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};

  // `also`: others to listen to. `only_from`: what other processes send does not count: a terminal's Ctrl-C and a service manager's
  // stop reach a keeper and its worker, and passed on by the keeper they would count twice. 0: whoever sends it.
  explicit Signals(pid_t only_from = 0, std::initializer_list<int> also = {});
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  int fd() const { return fd_.get(); }
  int next();  // the next one that came; 0: none

 private:
  pid_t only_from_;
  sigset_t before_;
  Fd fd_;
};

// A thread to which no signals come: they are the loop's. Its own faults it has to hear of (deliver/culprit.h).
std::thread start_without_signals(std::function<void()> work);

}  // namespace standpipe
