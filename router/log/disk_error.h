// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/failure.h"

namespace standpipe::log {

// What to do about an errno of that file; empty: nothing that helps is known.
std::string disk_help(int error, const std::string& path);

// "ACTION PATH: the error", with that help.
Failure disk_error(std::string_view action, const std::string& path, int error);

}  // namespace standpipe::log
