// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "plugin/registry.h"

namespace standpipe::cli {

// A plugin's page: what it does, its options, and a handler in YAML to start from. All from what
// the plugin declares.
std::string plugin_page(const plugin::Plugin& plugin);
std::string plugin_json(const plugin::Plugin& plugin);
// "size, at least 1B, required"
std::string option_facts(const plugin::Option& option);
std::string plugin_kind(const plugin::Plugin& plugin);
std::string example_yaml(const plugin::Plugin& plugin);
// A whole configuration with a handler of it, each option explained. `check` passes it once the
// required values are right.
std::string plugin_yaml(const plugin::Plugin& plugin);

}  // namespace standpipe::cli
