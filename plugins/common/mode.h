// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace common {

// Permissions as people write them, "0640". Throws standpipe::fatal that names the option.
std::uint32_t octal_mode(std::string_view option, std::string_view text);

}  // namespace common
