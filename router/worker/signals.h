// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>

#include "base/fd.h"

namespace standpipe::worker {

// The signals a hub listens to, as a descriptor: TERM and INT stop, HUP would reload, USR1 reopens files. PIPE is ignored: a reader
// that dies is an error of a write, not the end of the hub. Blocked in this thread and those it starts, until destroyed.
//
// With a keeper only what it passes on counts: a terminal's Ctrl-C and a service manager's stop reach both, and would count twice.
class Signals {
 public:
  explicit Signals(pid_t keeper = 0);
  ~Signals();
  int fd() const { return fd_.get(); }
  // The next one that came; 0: none.
  int next();

 private:
  pid_t keeper_;
  sigset_t before_;
  Fd fd_;
};

}  // namespace standpipe::worker
