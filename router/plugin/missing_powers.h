// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <standpipe/plugin.h>

#include <string>
#include <vector>

#include "plugin/handler.h"

namespace standpipe::plugin {

// What a handler asks for by its description and this router does not have yet, each with what
// happens instead, for the log. A power that is missing must be reported, or a plugin waits for it
// in silence. `is_placed`: the configuration says where the handler runs, whatever the plugin
// wants.
std::vector<std::string> missing_powers(const Plugin& plugin, Kind kind, bool is_placed);

}  // namespace standpipe::plugin
