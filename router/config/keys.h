// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace standpipe::config {

// One key of a map in the configuration, as the manual shows it.
struct Key {
  std::string_view name;
  std::string_view value;  // how it is written: "SIZE"
  std::string fallback;    // what holds without it; empty: nothing, or it must be given
  std::string_view summary;
};

struct KeyMap {
  std::string_view path;   // where it stands: "sources.NAME.log"; empty: the whole file
  std::string_view intro;  // a paragraph; may be empty
  std::vector<Key> keys;
};

// What a configuration may say, in the manual's order. The parts of the loader each know their own
// keys and check them; this is the same list in words. A test asks the loader for its keys and
// compares, so that none stays unexplained.
std::vector<KeyMap> key_maps();

}  // namespace standpipe::config
