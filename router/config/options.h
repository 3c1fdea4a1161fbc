// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "config/reader.h"
#include "plugin/registry.h"

namespace standpipe::config {

// A text option that takes permissions: an unquoted 0640 would be read as a number by other YAML
// programs.
bool is_mode(const plugin::Option& option);

// `options:` of a handler or source, as its plugin declares them: a value for each, in the order of
// the declaration. `given` may be null. `kind`: "handler" or "source".
std::vector<plugin::Value> read_options(Context& context, const Field* given,
                                        const plugin::Plugin& plugin, const Field& part,
                                        std::string_view kind);

}  // namespace standpipe::config
