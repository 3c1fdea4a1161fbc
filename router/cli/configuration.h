// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cli/arguments.h"
#include "config/hub.h"

namespace standpipe::cli {

// What commands that take a configuration or plugins share.
Option plugins_option();
// --plugins come first, then $STANDPIPE_PLUGIN_PATH, then the installation's own.
std::vector<std::string> plugin_folders(const Arguments& arguments);
std::string inventory(const config::Hub& hub);  // "2 sources, 5 handlers, 4 routes"

}  // namespace standpipe::cli
