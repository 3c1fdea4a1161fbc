// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/command.h"

namespace standpipe::cli {

// Texts that come from the table.
std::string short_help();                      // what `standpipe` alone prints: six lines
std::string long_help();                       // `standpipe help`: every command with its summary
std::string help_for(const Command& command);  // begins with examples
std::string help_for_group(std::string_view group);  // "plugin": its commands
std::string usage_of(const Command& command);        // "standpipe send FIFO [MESSAGE...] [options]"
std::string version_text();

}  // namespace standpipe::cli
