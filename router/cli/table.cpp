// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

namespace standpipe::cli {

std::span<const Command> table() {
  static const std::vector<Command> commands = {
      run_command(),         check_command(),       send_command(), recv_command(),       stats_command(),
      plugin_list_command(), plugin_show_command(), demo_command(), completion_command(), help_command(),
  };
  return commands;
}

}  // namespace standpipe::cli
