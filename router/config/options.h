// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "config/reader.h"
#include "plugin/registry.h"

namespace standpipe::config {

// `options:` of a handler, as its plugin declares them: a value for each, in the order of the declaration. `given` may be null.
std::vector<plugin::Value> read_options(Context& context, const Field* given, const plugin::Plugin& plugin, const Field& handler);

}  // namespace standpipe::config
