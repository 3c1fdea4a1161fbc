// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/hub.h"
#include "config/reader.h"
#include "config/sources.h"

namespace standpipe::config {

// Whether the logs fit into memory_max: each source's guarantee, its log, and its largest message, which is reserved whole.
// `said`: where memory_max is given; nowhere: the default.
void check_memory(Context& context, const Hub& hub, const Sources& sources, const Spot& said);

}  // namespace standpipe::config
