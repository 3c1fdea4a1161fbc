// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/hub.h"
#include "config/reader.h"

namespace standpipe::config {

// Whether the process may have as many files open as these sources and handlers may need, and its keeper holds as many. `sources`:
// where they are told.
void check_open_files(Context& context, const Hub& hub, const Spot& sources);

}  // namespace standpipe::config
