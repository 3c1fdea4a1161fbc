// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "config/handlers.h"
#include "config/hub_options.h"
#include "config/reader.h"
#include "config/routes.h"
#include "config/sources.h"

namespace standpipe::config {

// What is wrong with a configuration as a whole, where each part of it is right.

// A name that a source and a handler have: routes may come from either.
void check_one_namespace(Context& context, const Sources& sources, const Handlers& handlers);
// FIFOs that two sources read, or that a handler writes into and a source reads, by whatever
// spelling, link or second name. The latter may be meant (`allow_loop: true`). It looks at the disk
// as it is now.
void check_fifos(Context& context, const Sources& sources, const Handlers& handlers);
// Routes, sources and handlers that nothing gets to or comes from. For a configuration without
// mistakes.
void warn_of_unreachable(Context& context, const HubOptions& hub, const Sources& sources,
                         const Handlers& handlers, const Routes& routes);

// Sources whose payloads may be too long for the patterns of their routes (match/pattern_cost.h).
void warn_of_slow_patterns(Context& context, const HubOptions& hub, const Sources& sources);

}  // namespace standpipe::config
