// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/hub_options.h"
#include "config/reader.h"

namespace standpipe::config {

// Refuses a configuration that is larger than a hub can be (base/limits.h): too many handlers, or
// too many deliveries, which are pairs of a source and a handler that some route joins. `handlers`,
// `routes`: where the sections stand.
void check_extent(Context& context, const HubOptions& hub, const Spot& handlers,
                  const Spot& routes);

}  // namespace standpipe::config
