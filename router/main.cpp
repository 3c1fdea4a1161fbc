// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

#include "base/stack.h"
#include "cli/dispatch.h"
#include "cli/status.h"

int main(int argc, char** argv) {
  using namespace standpipe::cli;
  keep_standard_streams();
  std::signal(SIGPIPE, SIG_IGN);  // a reader that left is an error of a write, with a message
  std::signal(SIGXFSZ, SIG_IGN);  // and so is a limit of file sizes
  Streams streams{STDIN_FILENO, StandardOutput(STDOUT_FILENO), StandardError(STDERR_FILENO)};
  if (const auto failure = standpipe::make_room_for_stacks()) {
    streams.err.error("limits", failure->what(), failure->help());
    return static_cast<int>(Status::failed);
  }
  const std::vector<std::string> words(argv + (argc > 0), argv + argc);
  return dispatch(words, streams);
}
