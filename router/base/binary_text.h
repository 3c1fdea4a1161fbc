// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

// Bytes as people write them where text cannot have them.
namespace standpipe {

// "05000000 68656c6c6f": two digits a byte, with white space and colons between bytes where one
// likes. nullopt: it is something else.
std::optional<std::string> parse_hex(std::string_view text);
// RFC 4648, with its padding or without, white space anywhere. nullopt: it is something else, or
// ends in the middle of a byte.
std::optional<std::string> parse_base64(std::string_view text);

}  // namespace standpipe
