// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>

#include "base/fd.h"

namespace standpipe::keeper {

// What a keeper listens to, as a descriptor: the signals that it forwards (TERM, INT, HUP, USR1), and CHLD. Blocked until
// destroyed.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  int fd() const { return fd_.get(); }
  int next();  // the next one that came; 0: none

 private:
  sigset_t before_;
  Fd fd_;
};

}  // namespace standpipe::keeper
