// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "config/names.h"
#include "config/plugins.h"
#include "config/reader.h"
#include "deliver/options.h"

namespace standpipe::config {

// `handlers:`. A handler with mistakes in it keeps its name and number, so that routes to it are no
// mistakes.
struct Handlers {
  std::vector<deliver::HandlerOptions> options;
  Names names;
  std::vector<bool> allow_loop;  // each: it may write into a FIFO that a source reads
};

Handlers read_handlers(Context& context, const Field& section, Plugins& plugins);

}  // namespace standpipe::config
