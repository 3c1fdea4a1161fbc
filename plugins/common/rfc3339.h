// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

namespace common {

// "2024-05-01T12:00:00.250Z", of a time since 1970.
std::string rfc3339(std::chrono::nanoseconds since_1970);

}  // namespace common
