// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/failure.h"

namespace standpipe {

// Writes a file of data_dir by way of PATH.tmp: whatever ends this process, the file is what it was
// or all of this. `syncs`: the same for whatever ends the machine, once it has returned.
std::optional<Failure> replace_file(const std::string& path, std::string_view content, bool syncs);

}  // namespace standpipe
