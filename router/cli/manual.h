// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "cli/manual_page.h"
#include "plugin/registry.h"

namespace standpipe::cli {

// The manual: standpipe(1), a page a command, standpipe.yaml(5), standpipe-plugin(7). All that can
// change comes from the command table, the list of keys and what plugins declare, so that a page
// cannot lag behind the program that made it.
std::vector<ManualPage> manual(plugin::Registry& plugins);

ManualPage configuration_page(plugin::Registry& plugins);
ManualPage plugin_author_page();

}  // namespace standpipe::cli
