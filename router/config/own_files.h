// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "config/reader.h"

namespace standpipe::config {

// What a plugin declares as a file of the handler's own (STANDPIPE_OPTION_OWN_FILE), it appends to or rotates, and so nobody else
// may: two handlers that name one file, by whatever spelling, link or second name, are a mistake, and so is one that names the
// configuration itself. It looks at the disk as it is now.
void check_own_files(Context& context, const std::string& configuration);

}  // namespace standpipe::config
