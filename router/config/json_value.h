// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "config/reader.h"
#include "match/value.h"

namespace standpipe::config {

// A scalar of the file as a value that JSON has: null, true and false, numbers by JSON's grammar,
// and text. What is in quotes is text. What only YAML takes for a number (0x10, 010, .5) is a
// mistake, and so is a number that cannot be held without rounding off what makes it large.
std::optional<match::Operand> json_value_of(Context& context, const Field& field);

}  // namespace standpipe::config
