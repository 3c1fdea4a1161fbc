// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "base/file_id.h"

namespace standpipe::config {

// What tells whether two paths lead to one file, by whatever spelling, link or second name: an
// existing file is its device and inode; one that is missing is its folder's and the name in it;
// where the folder is missing, too, there is only the path. It looks at the disk as it is now, and
// opens nothing.
using FileKey = std::pair<FileId, std::string>;

FileKey file_key(const std::string& path);

}  // namespace standpipe::config
