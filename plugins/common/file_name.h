// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace common {

// What a message says, as a part of a file's name: it is in no other folder, hides no file, and two
// values never become one. Slashes, control characters, characters that reorder text, bytes that
// are not UTF-8, a dot at the beginning and the percent sign itself are written as %2F, %00 ...
//
// Stops after `most` bytes; a longer name is no name.
std::string file_name(std::string_view value, std::size_t most);

}  // namespace common
