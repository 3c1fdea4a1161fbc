// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace common {

// "2024-05-01T12:00:00.250Z", of a time since 1970.
std::string rfc3339(std::chrono::nanoseconds since_1970);
// The same into kRfc3339Bytes bytes, without a temporary, for what is written with each message;
// returns their end. (64 bits of nanoseconds are the years 1677 to 2262: four digits always.)
inline constexpr std::size_t kRfc3339Bytes = 24;
char* put_rfc3339(char* to, std::chrono::nanoseconds since_1970);
// Back again, to the millisecond; nullopt: it is not written so.
std::optional<std::chrono::nanoseconds> parse_rfc3339(std::string_view text);

}  // namespace common
