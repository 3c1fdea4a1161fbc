// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace standpipe::keeper {

// Whom a worker leaves behind. A keeper adopts every process below it that loses its parent, and has to tell those that a worker
// started from those that it has nothing to do with: what its own process started before it became a keeper (`producer & exec
// standpipe run ...`), what others start in a container in which it is process 1, and what these leave behind in turn.
//
// So workers carry a mark in their environment, which whoever they start inherits, through any number of forks, execs and sessions,
// and nobody else has. It is looked for in /proc/PID/environ, which a process cannot change by setenv. Not found, and so left
// alone: who was executed with an emptied environment, who may not be looked at (another user's, or one that made itself
// undumpable), and anybody where /proc is not mounted, or is that of another PID namespace.
class WorkersMark {
 public:
  WorkersMark();  // unlike that of any other keeper
  const std::string& variable() const { return variable_; }

  // Children of this process that have it and live.
  std::vector<pid_t> children() const;

  static constexpr auto kName = "STANDPIPE_HUB=";

 private:
  std::string variable_;
};

}  // namespace standpipe::keeper
