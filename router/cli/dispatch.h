// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/command.h"

namespace standpipe::cli {

// Finds the command that the words name, runs it, and turns whatever goes wrong into a message and
// a status. Never throws.
int dispatch(std::span<const std::string> words, Streams& streams);

// "run", "check", ..., "plugin": what may stand first on the line, in the table's order.
std::vector<std::string> first_words();
// "list", "show": what may stand after a first word that is a group; empty for others.
std::vector<std::string> second_words(std::string_view group);

}  // namespace standpipe::cli
