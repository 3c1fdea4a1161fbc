// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_id.h"

namespace standpipe {

// One line of /proc/locks: who wants to know of a lock without opening the file, which others may
// notice, looks here. Some file systems have another device there than stat says (overlays, btrfs):
// their locks are not found. "FLOCK", "POSIX", "OFDLCK".
struct FileLock {
  std::string kind;
  FileId file;
  std::uint64_t first_byte = 0;
};

std::optional<FileLock> parse_file_lock(std::string_view line);  // nullopt: one who waits, too
std::vector<FileLock> file_locks();

}  // namespace standpipe
