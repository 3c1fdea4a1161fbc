// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

namespace standpipe::keeper {

// Finds the processes that a dead worker left. The keeper adopts every process below it that loses
// its parent, and must tell those that a worker started from all others: those that its own process
// started before it became a keeper (`producer & exec standpipe run ...`), those that others start
// in a container in which it is process 1, and what these leave.
//
// So workers carry a mark in their environment. Whoever they start inherits it, through any number
// of forks, execs and sessions, and nobody else has it. It is read from /proc/PID/environ, which a
// process cannot change by setenv. Processes without it are left alone: one executed with an
// emptied environment, one that may not be read (another user's, or one that made itself
// undumpable), and any process where /proc is not mounted or belongs to another PID namespace.
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

// For a worker: ends what one of its own processes has left, which was started with `variable` in
// its environment, and has ended. Whatever that has started has the variable as well, and the
// worker's mark, also in a session of its own; and the keeper has adopted it. So do the processes
// that those leave in turn. Returns how many were ended. What has none of the two is left alone,
// and nothing is done where the kernel does not tell a process's children.
void end_left_with(const std::string& variable);

}  // namespace standpipe::keeper
