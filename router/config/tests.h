// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "config/reader.h"
#include "config/routes.h"
#include "config/test_options.h"

namespace standpipe::config {

// `tests:`, names resolved. Files that tests send are not looked at.
std::vector<TestOptions> read_tests(Context& context, const Field& section, const Ends& ends,
                                    const Sources& sources);

}  // namespace standpipe::config
