// SPDX-License-Identifier: Apache-2.0
#include "base/opening.h"

#include <utility>

namespace standpipe {

Failure failure_of(const paths::Problem& problem, const std::string& help) {
  return Failure(problem.text, problem.help.empty() ? help : problem.help);
}

Fd fd_of(paths::Opened opened, const std::string& help) {
  if (!opened) throw failure_of(opened.problem(), help);
  return Fd(opened.release());
}

paths::Rules own_file() {
  paths::Rules rules;
  rules.follow_last = false;
  rules.exception = "set data_dir to another folder";
  return rules;
}

}  // namespace standpipe
