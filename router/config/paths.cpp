// SPDX-License-Identifier: Apache-2.0
#include "config/paths.h"

#include <limits.h>

#include <filesystem>
#include <system_error>

namespace standpipe::config {

namespace fs = std::filesystem;

std::string folder_of(const std::string& file) {
  std::error_code error;
  const auto whole = fs::absolute(fs::path(file), error);  // fails when the working folder was removed
  return error ? "/" : whole.parent_path().lexically_normal().string();
}

std::string default_data_dir(const Lookup& lookup, bool is_root) {
  const auto absolute = [&](const char* name) -> std::optional<std::string> {
    auto value = lookup(name);
    return value && value->starts_with('/') ? value : std::nullopt;
  };
  if (const auto state = absolute("XDG_STATE_HOME")) return *state + "/standpipe";
  const auto home = absolute("HOME");
  return is_root || !home ? "/var/lib/standpipe" : *home + "/.local/state/standpipe";
}

std::optional<std::string> path_problem(const std::string& path) {
  if (path.size() >= PATH_MAX) return "is longer than a path may be";
  for (const auto& part : fs::path(path))
    if (part.native().size() > NAME_MAX) return "has a name longer than a file may have";
  if (path.ends_with('/')) return "is a folder";
  return std::nullopt;
}

}  // namespace standpipe::config
