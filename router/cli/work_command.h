// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"

namespace standpipe::cli {

// A command that is run for a message. It is split into words once, and no shell sees it: a message
// can say nothing that is not one argument. `{}` in a word stands for the message; without one the
// message is its standard input.
class WorkCommand {
 public:
  // Words as a shell has them: blanks between, '...', "..." and \ to keep some together. Throws
  // WrongUsage: a quote without an end, or no word.
  explicit WorkCommand(std::string_view line);
  const std::vector<std::string>& words() const { return words_; }

  struct Started {
    pid_t pid = 0;
    Fd ended;         // becomes readable when it has ended
    std::string why;  // it was not started, and why
  };
  Started start(const std::string& message) const;

 private:
  std::vector<std::string> words_;
  bool has_place_ = false;
};

}  // namespace standpipe::cli
