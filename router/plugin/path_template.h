// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

// What the router knows of a path with placeholders (STANDPIPE_OPTION_TEMPLATE). What stands in the
// braces is the plugin's business; here they only tell which paths it can come to.
namespace standpipe::plugin {

// Absolute, the braces of the folder doubled. Without placeholders it is normalised; with them only
// the folders before the first one are.
std::string absolute_template(std::string_view text, std::string_view folder);

// The path, its doubled braces undone; nullopt: there are placeholders in it.
std::optional<std::string> fixed_path(std::string_view text);

// A pattern for fnmatch(FNM_PATHNAME) that matches every path which the template can come to.
std::string pattern_of(std::string_view text);

}  // namespace standpipe::plugin
