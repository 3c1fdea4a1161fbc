// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <vector>

#include "base/fd.h"

namespace standpipe::keeper {

// The executable that workers are started from, held open from the start: a package that replaces
// the file while the hub runs must not put a worker of another version on the memory of this one.
// So it is with the environment: what a plugin changes in its own worker no other worker gets.
class Program {
 public:
  // Empty: the running program itself. `mark`: a variable more for its environment; empty: it keeps
  // the one it has. Throws Failure.
  explicit Program(const std::string& path = {}, std::string mark = {});

  // Forks and executes it: `inherited` descriptors are open under the same numbers,
  // signals_of_the_keeper() are blocked, and of the environment the keeper's own variables are left
  // out. `arguments[0]` is what ps shows. Throws Failure.
  pid_t start(const std::vector<std::string>& arguments, std::span<const int> inherited,
              const std::string& variable) const;
  // The same in this process, whose other threads end, whatever they are in. Returns errno, if it
  // returns; nothing is changed then.
  int replace(const std::vector<std::string>& arguments, std::span<const int> inherited,
              const std::string& variable) const;

 private:
  std::vector<std::string> environment_with(const std::string& variable) const;
  static std::vector<std::string> whole_environment();

  std::string path_;
  std::string mark_;
  std::vector<std::string> environment_;  // as it was when this was made
  Fd file_;
};

}  // namespace standpipe::keeper
