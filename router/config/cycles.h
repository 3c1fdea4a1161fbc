// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/hub_options.h"
#include "config/reader.h"
#include "config/routes.h"

namespace standpipe::config {

// Handlers whose messages come back to them: each emits, by routes or as `unmatched`, to the next
// one, and the last to the first. Logs are bounded, so the handlers of a full cycle would wait for
// each other for ever; hence such a configuration is refused, with the whole cycle in order.
//
// `unmatched` counts only for a handler that may emit what no route wants: one that has a route
// without a condition has none. `unmatched`: where it is set, or nowhere.
void check_cycles(Context& context, const HubOptions& hub, const Routes& routes,
                  const Spot& unmatched);

}  // namespace standpipe::config
