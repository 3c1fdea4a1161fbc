// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace standpipe::config {

// A text with its variables replaced:
//
//   ${VAR}            an error when VAR is not set
//   ${VAR:-default}   when it is not set or empty
//   ${VAR:?message}   an error with that message when it is not set or empty
//   $${               the characters ${
//
// The result is not expanded again.
struct Expanded {
  std::string text;
  std::string problem = {};  // empty: fine
  std::string label = {};
  std::string where = {};  // the variable as it is written; empty: all of them are too much
};

// The environment, or a test's.
using Lookup = std::function<std::optional<std::string>(const std::string& name)>;

// Nothing longer than `bytes_max` is made.
Expanded expand(std::string_view text, const Lookup& lookup, std::size_t bytes_max);

}  // namespace standpipe::config
