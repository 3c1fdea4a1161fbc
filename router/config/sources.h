// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "config/names.h"
#include "config/plugins.h"
#include "config/reader.h"
#include "deliver/options.h"
#include "source/options.h"

namespace standpipe::config {

// `sources:`. A source with mistakes in it keeps its name and number, so that routes to it are no
// mistakes.
struct Sources {
  std::vector<source::SourceOptions> options;
  Names names;
  std::vector<deliver::HandlerOptions> plugins;  // those of sources that have one
  // Where each said so; nowhere: the default. Of one that is no FIFO, `fifo` is its name's place.
  std::vector<Spot> fifo;
  std::vector<Spot> message_size_max;
  std::vector<Spot> log_size_max;
};

Sources read_sources(Context& context, const Field& section, Plugins& plugins);

}  // namespace standpipe::config
