// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "config/variables.h"

namespace standpipe::config {

// The path itself from the root on; "/" where the working folder was removed.
std::string absolute_path(const std::string& path);

// The folder that a configuration file's relative paths are taken from; absolute.
std::string folder_of(const std::string& file);

// "STEM-HASH": what belongs to a configuration is named after its file or folder (of several, the
// first that the user named), and after where that lies, as the path is written.
std::string name_for(const std::string& file);

// Where state goes when the configuration does not say: a folder of this configuration's in
// $STATE_DIRECTORY, which a service manager gives, in $XDG_STATE_HOME/standpipe, root's
// /var/lib/standpipe, or ~/.local/state/standpipe. It is named after the file, and after where that
// lies, so that no two hubs of a user share one. Nothing is created.
std::string default_data_dir(const Lookup& lookup, bool is_root, const std::string& file);

// What is wrong with a path as that of a FIFO or folder, without looking at the disk: "is longer
// than a path may be".
std::optional<std::string> path_problem(const std::string& path);

}  // namespace standpipe::config
