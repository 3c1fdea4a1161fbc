// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <functional>
#include <initializer_list>
#include <thread>

#include "base/fd.h"

namespace standpipe {

// Signals from people and service managers, as a descriptor: TERM and INT stop, HUP reloads,
// USR1 reopens files. PIPE is ignored: a reader that dies is an error of a write, not the end of
// the program. The signals are blocked in this thread and those it starts, until this is destroyed.
class Signals {
 public:
  static constexpr int kHandled[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};

  // `also`: others to listen to.
  Signals() : Signals(std::initializer_list<int>()) {}
  explicit Signals(std::initializer_list<int> also);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  int fd() const { return fd_.get(); }
  struct Came {
    int signal = 0;  // 0: none
    bool by_kernel =
        false;  // by a key at the terminal, or by the terminal's end; otherwise by a process
    explicit operator bool() const { return signal != 0; }
  };
  Came next();  // the next one that came

 private:
  sigset_t before_;
  Fd fd_;
};

// Signals that a hub's worker ignores, whoever sends them, because its keeper says what to do: from
// a terminal or a service manager they reach the worker as well as the keeper. They are blocked
// from before the worker is executed.
sigset_t signals_of_the_keeper();

// Signals of a thread's own fault: each comes to the thread that caused it.
constexpr int kFaults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP};

// A thread that gets no signals, which are the loop's, except for its own faults
// (deliver/culprit.h).
std::thread start_without_signals(std::function<void()> work);

}  // namespace standpipe
