// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "match/value.h"

namespace standpipe::match {

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

// By JSON's grammar: no leading zeros, no +, digits around a point.
bool is_json_number(std::string_view text);
// nullopt: it is none. A number may refer to `digits`, to which its own are appended.
std::optional<Value> json_number(std::string_view text, std::string& digits);

// The numbers of a JSON text that simdjson refuses, because they are too large for it. Each has a
// stand-in, a double so small that nobody means it (below 2^-1022); and so has each number of the
// text that is as small. What is no JSON stays none.
class LargeNumbers {
 public:
  // Copies the text with the stand-ins. false: there are none.
  bool replace(std::string_view text, std::string& out);
  // What a number of the copy was in the text. Its digits are valid until the next `replace`.
  Value number(double in_copy) const;

 private:
  // Appends the number at the text's beginning; returns its bytes.
  std::size_t append_number(std::string_view text, std::string& out);

  std::vector<Value> numbers_;
  std::string digits_;
};

}  // namespace standpipe::match
