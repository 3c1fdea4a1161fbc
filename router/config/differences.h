// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/bundle.h"

namespace standpipe::config {

// One thing in which two configurations differ, for people and programs.
struct Difference {
  enum class Kind { added, removed, changed, renamed };
  Kind kind = Kind::changed;
  std::string what;         // "source", "handler", "route"; "setting" for the rest
  std::string name;         // renamed: the old one
  std::string detail = {};  // "options.path, timeout"; renamed: the new name

  std::string text() const;  // "changed  handler billing: options.path"
  std::string json() const;
  bool operator==(const Difference&) const = default;
};
std::string_view name_of(Difference::Kind kind);

// What was written differently: values are compared as text, so `1MiB` and `1024KiB` differ, and a
// variable is the same whatever it stands for. The order of keys does not matter, that of routes
// does, and `tests` are left out. A source that has another name and the same `fifo` is renamed.
// Both could be loaded.
std::vector<Difference> differences(const Bundle& before, const Bundle& after);

}  // namespace standpipe::config
