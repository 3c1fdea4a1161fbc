// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/handlers.h"
#include "config/hub_options.h"
#include "config/reader.h"
#include "config/sources.h"

namespace standpipe::config {

// The code of the warning that the hub of this configuration runs.
constexpr auto kHubRuns = "live-hub";

// Looks at the machine as a start would find it now: the data folder, each source's FIFO, and
// whether each handler's plugin opens. Each finding is a mistake or a warning at its place.
//
// FIFOs are looked at and neither made nor opened. A plugin is opened in a child, as a start would
// open it, for at most 5 s, and closed again; what it does meanwhile is its own (a log
// makes its file, or mends its end; an empty file that was not there before is removed again).
// While a hub of this data folder runs, plugins are not opened: it has what they would open. Only
// for a configuration without errors, and from a process with one thread. `data_dir`: where the
// configuration says it, or nowhere.
void check_live(Context& context, const HubOptions& hub, const Sources& sources,
                const Handlers& handlers, const Spot& data_dir);

}  // namespace standpipe::config
