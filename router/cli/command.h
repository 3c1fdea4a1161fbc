// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/arguments.h"
#include "cli/status.h"
#include "cli/streams.h"

namespace standpipe::cli {

// One line to type, and what it does.
struct Example {
  std::string_view line;
  std::string_view what;
};

// A row of the table. Parsing, help, the lists and the shell's completion all come from it; a
// command that is not in the table does not exist. Names of two words ("plugin list") make a group.
struct Command {
  std::string_view name;
  std::string_view summary;       // one line, for lists
  std::vector<Example> examples;  // what its help begins with
  std::string_view description;   // paragraphs, plain text, lines of at most 100 columns
  std::vector<Operand> operands;
  std::vector<Option> options;
  Status (*run)(const Arguments&, Streams&);
};

std::span<const Command> table();

// One file a command; each gives its row.
Command run_command();
Command check_command();
Command test_command();
Command explain_command();
Command graph_command();
Command schema_command();
Command send_command();
Command recv_command();
Command stats_command();
Command reload_command();
Command handler_list_command();
Command handler_hold_command();
Command handler_retry_command();
Command handler_skip_command();
Command dead_list_command();
Command dead_show_command();
Command dead_export_command();
Command dead_purge_command();
Command dead_replay_command();
Command plugin_list_command();
Command plugin_show_command();
Command plugin_new_command();
Command plugin_check_command();
Command queue_list_command();
Command queue_check_command();
Command queue_cat_command();
Command queue_export_command();
Command demo_command();
Command completion_command();
Command help_command();

}  // namespace standpipe::cli
