// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace standpipe::match {

// A JSON pointer (RFC 6901): the names of fields and the numbers of elements that lead to a value.
struct Pointer {
  std::string written;
  std::vector<std::string> tokens = {};  // ~0 and ~1 replaced; none: the whole document
};

// Else what is wrong with it, as a label beside the caret.
std::variant<Pointer, std::string> parse_pointer(std::string_view text);

// The element of an array that a token means. nullopt: none ("-", "01", a name).
std::optional<std::size_t> element_of(std::string_view token);

}  // namespace standpipe::match
