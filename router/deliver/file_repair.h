// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "deliver/saved_file.h"

namespace standpipe::deliver {

struct RepairedFile {
  std::uint64_t records = 0;  // that stay
  std::string copy = {};      // where the damaged file is now
};

// Puts a file with the sound records in the place of a damaged one, which stays beside it as
// PATH.damaged. At every moment one of the two has the name, and both are on the disk before the
// old one loses it. A spill gets an end that says how many messages there are now, so that the hub
// which serves it misses none. No hub may have the folder (DataFolder). Throws Failure; then the
// file is as it was.
RepairedFile repair_file(const SavedFile& file);

}  // namespace standpipe::deliver
