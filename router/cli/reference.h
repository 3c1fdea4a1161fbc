// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/reporter.h"
#include "config/keys.h"
#include "plugin/registry.h"

namespace standpipe::cli {

// How a configuration is written, in general: paragraphs, names in backticks.
std::string configuration_form();

// "16KiB to 16GiB", "at least 1"; empty: no limits that can be said so.
std::string limits_text(const config::Key& key);
// "at the next start", "at a reload", "in a later version".
std::string effect_text(config::Effect effect);

// Every key of a configuration: how it is written, limits, default, an example and when a change of
// it is in force; then the options of the plugins. For a terminal, or as Markdown. `about`: only
// maps and keys in whose path these words are; nothing when there is none.
std::string reference_text(plugin::Registry& plugins, const std::vector<std::string>& about);
std::string reference_markdown(plugin::Registry& plugins);

// All plugins that can be loaded, by name; of the others the reporter is told.
std::vector<const plugin::Plugin*> usable_plugins(plugin::Registry& plugins,
                                                  Reporter* reporter = nullptr);

}  // namespace standpipe::cli
