// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "conformance/subject.h"

namespace standpipe::conformance {

// Calls `body` for every limit, choice and default of each option, one at a time, with
// "option: value" and the options of an instance with that value.
void for_each_bound(
    Subject& subject,
    const std::function<void(const std::string& what, const testing::Options&)>& body);

}  // namespace standpipe::conformance
