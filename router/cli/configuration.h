// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/streams.h"
#include "config/hub_options.h"
#include "plugin/registry.h"

namespace standpipe::cli {

// What commands that take a configuration or plugins share.
Option plugins_option();
// --plugins come first, then $STANDPIPE_PLUGIN_PATH, then the installation's own.
std::vector<std::string> plugin_folders(const Arguments& arguments);
// The configuration that the command line names; if there is a mistake in it, all of them are said,
// and nothing is returned. It points into `plugins`.
std::optional<config::HubOptions> load_configuration(const Arguments& arguments, Streams& streams,
                                                     plugin::Registry& plugins);
std::string inventory(const config::HubOptions& hub);  // "2 sources, 5 handlers, 4 routes"

}  // namespace standpipe::cli
