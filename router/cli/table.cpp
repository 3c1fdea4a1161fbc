// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

namespace standpipe::cli {

std::span<const Command> table() {
  static const std::vector<Command> commands = {
      run_command(),          check_command(),         test_command(),
      explain_command(),      graph_command(),         send_command(),
      recv_command(),         stats_command(),         reload_command(),
      handler_list_command(), handler_retry_command(), handler_hold_command(),
      handler_skip_command(), dead_list_command(),     dead_show_command(),
      dead_replay_command(),  dead_export_command(),   dead_purge_command(),
      queue_list_command(),   queue_check_command(),   queue_cat_command(),
      queue_export_command(), plugin_list_command(),   plugin_show_command(),
      plugin_new_command(),   plugin_check_command(),  demo_command(),
      completion_command(),   schema_command(),        help_command(),
  };
  return commands;
}

}  // namespace standpipe::cli
