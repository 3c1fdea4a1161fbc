// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/fd.h"
#include "keeper/link.h"
#include "keeper/program.h"

namespace standpipe::keeper {

// How a worker becomes the next one: it executes the program again, in its own process. So what the
// hub has is never in the keeper's hands alone, and a keeper that is killed at that moment leaves a
// worker that notices and saves what waits. Nothing of a plugin remains: exec ends its threads and
// its code, and what else a process takes along is as it was at the start: the environment, the
// working folder, the umask, signals, timers. Its children are ended.
//
// Make it before any plugin is loaded.
class Successor {
 public:
  // Throws Failure.
  Successor();

  // All that the keeper has is open here and stays so, all else is closed. The keeper knows
  // (Link::succeeds). Returns errno, if it returns.
  int become(const Link& link, const std::vector<std::string>& arguments) const;
  const Program& program() const { return program_; }

 private:
  Program program_;
  Fd folder_;  // invalid: it cannot be opened, and stays what it is
  mode_t mask_;
};

}  // namespace standpipe::keeper
