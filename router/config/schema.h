// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "plugin/registry.h"

namespace standpipe::config {

// A JSON schema (draft 7) of the configuration, for editors: made of the declared keys (keys.h) and
// of what the plugins declare of their options. It refuses what can be seen without resolving
// names, looking at limits of sizes, or reading other files; the loader is the judge. No section is
// required, because a file may be one of several. A variable is allowed wherever a scalar is.
std::string schema(const std::vector<const plugin::Plugin*>& plugins);

}  // namespace standpipe::config
