// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "config/plugins.h"
#include "config/reader.h"
#include "plugin/registry.h"

namespace standpipe::config {

std::string_view name_of(Role role);
// A plugin that offers both may have options of one alone.
bool has_option(Role role, const plugin::Option& option);

// A text option that takes permissions: an unquoted 0640 would be read as a number by other YAML
// programs.
bool is_mode(const plugin::Option& option);

// `options:` of a handler or source, as its plugin declares them: a value for each, in the order of
// the declaration. `given` may be null.
std::vector<plugin::Value> read_options(Context& context, const Field* given,
                                        const plugin::Plugin& plugin, const Field& part, Role role);

}  // namespace standpipe::config
