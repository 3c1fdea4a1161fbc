// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "config/reader.h"

namespace standpipe::config {

// The secret in the file that a `NAME_file` key names, without the newline at its end. Else a
// mistake was added; it never shows what the file holds.
std::optional<std::string> read_secret_file(Context& context, const Field& field);

}  // namespace standpipe::config
