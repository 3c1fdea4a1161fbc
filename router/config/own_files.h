// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "config/reader.h"

namespace standpipe::config {

// A file that a plugin declares as the handler's own (STANDPIPE_OPTION_OWN_FILE) is appended to or
// rotated by it, so nobody else may use it: two handlers that name one file, by whatever spelling,
// link or second name, are a mistake, and so is one that names the configuration itself. It checks
// the disk as it is now. A path with placeholders is compared by its text: nobody else may write to
// a file that messages can name.
void check_own_files(Context& context, const std::vector<std::string>& configuration);

}  // namespace standpipe::config
