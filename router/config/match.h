// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/reader.h"
#include "match/rule.h"

namespace standpipe::config {

// `match:`, or a rule inside one; `what` it is, for messages.
match::Rule read_rule(Context& context, const Field& field, const std::string& what);

}  // namespace standpipe::config
