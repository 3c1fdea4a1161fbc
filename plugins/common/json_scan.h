// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace common {

// Where things lie in a text that is JSON, for those who want its bytes and not its meaning: only
// what JsonText::parse has taken may be looked at so. Any other text is no danger, but nonsense.

// Where the first character is that is no space, from there on; the size if there is none.
std::size_t skip_json_space(std::string_view text, std::size_t at);
// Behind the closing quote of the string whose opening quote is there; the size if it has none.
std::size_t json_string_end(std::string_view text, std::size_t begin);
// The end of the value that begins there.
std::size_t json_value_end(std::string_view text, std::size_t begin);

// A field of an object, or an item of a list.
struct JsonMember {
  std::size_t begin;     // of its name, or of the value in a list
  std::size_t name_end;  // behind the name's quote; `begin` in a list
  std::size_t value;
  std::size_t end;

  std::string_view name(std::string_view text) const {
    return text.substr(begin, name_end - begin);
  }
  std::string_view value_in(std::string_view text) const { return text.substr(value, end - value); }
};

// Of the object or list that begins there, in order; empty if it is neither.
std::vector<JsonMember> json_members(std::string_view text, std::size_t begin);

// What a string says, given with its quotes. nullopt: it is no string.
std::optional<std::string> json_string(std::string_view quoted);
// The string that says it, with quotes. What is not UTF-8 has no string: U+FFFD stands for each
// such byte.
std::string json_quoted(std::string_view text);

}  // namespace common
