// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

// Folders of ours, and names in them.
namespace standpipe {

// Makes the folder and those above it, for its user alone (0700); those that exist stay as they
// are. Throws Failure, also when it belongs to somebody else than us or root, or the way there is
// not safe (standpipe/open.hpp).
void make_private_folders(const std::string& path);

// A file that was created, renamed or removed stays so after a power failure only if its folder is
// synced too. Returns 0, or the error.
int sync_folder(const std::string& folder);
std::string folder_of(const std::string& path);
// What is in it, sorted. `error`: why that is not all; none, if it was looked into to its end.
std::vector<std::string> names_in(const std::string& folder, std::error_code& error);

// Any text as the name of a file: letters, digits, `_`, `-` and `.` (not in front) as they are, the
// rest as %2F.
std::string as_file_name(std::string_view text);
std::optional<std::string> from_file_name(
    std::string_view name);  // nullopt: not made by as_file_name

}  // namespace standpipe
