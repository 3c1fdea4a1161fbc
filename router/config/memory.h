// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/hub_options.h"
#include "config/reader.h"
#include "config/sources.h"

namespace standpipe::config {

// Nobody says how large a message may be that a handler emits: as usual, or what fits.
void fit_emitted(HubOptions& hub, Sources& sources);
// Checks that the logs fit into memory_max: each source's guarantee, its log, and its largest
// message, which is reserved whole. `given`: where memory_max is set; nowhere: it is the default.
void check_memory(Context& context, const HubOptions& hub, const Sources& sources,
                  const Spot& given);

}  // namespace standpipe::config
