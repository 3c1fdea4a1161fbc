// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/hub_options.h"
#include "config/reader.h"

namespace standpipe::config {

// Checks that the process may open as many files as these sources and handlers may need, and that
// its keeper can hold as many. `sources`: where they are defined.
void check_open_files(Context& context, const HubOptions& hub, const Spot& sources);

}  // namespace standpipe::config
