// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>

#include "base/fd.h"

namespace standpipe::worker {

// The signals a hub listens to, as a descriptor: TERM and INT stop, HUP would reload, USR1 reopens files. PIPE is ignored: a reader
// that dies is an error of a write, not the end of the hub. Blocked in this thread and those it starts, until destroyed.
class Signals {
 public:
  Signals();
  ~Signals();
  int fd() const { return fd_.get(); }
  // The next one that came; 0: none.
  int next();

 private:
  sigset_t before_;
  Fd fd_;
};

}  // namespace standpipe::worker
