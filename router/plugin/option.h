// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <standpipe/plugin.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace standpipe::plugin {

// One option as a plugin declares it: the ABI's struct, copied out of the plugin, every text
// checked to be UTF-8.
struct Option {
  std::uint32_t type = STANDPIPE_STRING;
  bool required = false;
  bool of_handler = true;      // a handler has it
  bool of_source = true;       // a source has it
  bool is_own_file = false;    // a path that one handler alone may have
  bool rotates = false;        // where it is given, that file is renamed to PATH.1, PATH.2 ...
  bool is_template = false;    // a path that may have placeholders (path_template.h)
  bool is_open_files = false;  // how many files are open where an own file has placeholders
  std::string name = {}, summary = {}, fallback = {}, minimum = {}, maximum = {}, unit = {},
              example = {};
  std::vector<std::string> choices = {};
};

// "size", "duration", "one of a, b, c": for messages and for `plugin show`.
std::string type_text(const Option& option);
std::string_view type_name(std::uint32_t type);

// One option's checked value. `items` are a list's texts (first empty) or a map's entries.
struct Value {
  std::uint32_t type = STANDPIPE_STRING;
  bool is_set = false;
  std::int64_t integer = 0;
  double real = 0;
  std::string text = {};
  std::vector<std::pair<std::string, std::string>> items = {};
};

struct Parsed {
  Value value;
  std::string problem;  // empty: fine. Else what is wrong with the text: "'5' has no unit"
  std::string label;    // short, for beside the caret: "write 5s, 5ms, ..."
};

// A scalar as a user wrote it, by the option's type, limits and choices. Paths that are relative
// are taken from `folder`. Lists and maps are put together by the caller from scalars.
Parsed parse_value(const Option& option, std::string_view text, std::string_view folder);
// The value when the user gave none: the default, or not set.
Value default_value(const Option& option, std::string_view folder);

}  // namespace standpipe::plugin
