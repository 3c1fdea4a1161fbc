// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

#include "cli/dispatch.h"

int main(int argc, char** argv) {
  using namespace standpipe::cli;
  keep_standard_streams();
  std::signal(SIGPIPE, SIG_IGN);  // a reader that left is an error of a write, with a message
  std::signal(SIGXFSZ, SIG_IGN);  // and so is a limit of file sizes
  Streams streams{STDIN_FILENO, StandardOutput(STDOUT_FILENO), StandardError(STDERR_FILENO)};
  const std::vector<std::string> words(argv + (argc > 0), argv + argc);
  return dispatch(words, streams);
}
