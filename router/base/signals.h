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

  // `also`: others to listen to.
  Signals() : Signals(std::initializer_list<int>()) {}
  explicit Signals(std::initializer_list<int> also);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  int fd() const { return fd_.get(); }
  struct Came {
    int signal = 0;          // 0: none
    bool by_kernel = false;  // by a key at the terminal, or by the terminal's end; otherwise by a process
    explicit operator bool() const { return signal != 0; }
  };
  Came next();  // the next one that came

 private:
  sigset_t before_;
  Fd fd_;
};

// What a hub's worker does not act on, whoever sends it: its keeper says what it is to do. All of these reach it from a terminal,
// or a service manager, beside its keeper. Blocked from before it is executed.
sigset_t signals_of_the_keeper();

// What a thread's own fault is told by: it comes to the thread that did it.
constexpr int kFaults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP};

// A thread to which no signals come: they are the loop's. Its own faults it has to hear of (deliver/culprit.h).
std::thread start_without_signals(std::function<void()> work);

}  // namespace standpipe
