// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <standpipe/plugin.h>

#include <string>

#include "plugin/registry.h"

namespace standpipe::plugin {

// What a plugin says of itself, copied and checked: versions, texts, options whose defaults and limits have their own types. A
// plugin may lie; what it says wrongly is found here and not in the middle of a configuration. Throws Failure with the reason.
Plugin read_description(const standpipe_plugin& abi, const std::string& path);

}  // namespace standpipe::plugin
