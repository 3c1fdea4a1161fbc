// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/diagnostic.h"

namespace standpipe::config {

struct ConfigFile {
  std::string name;   // as messages call it: "orders.yaml", "conf.d/10-sources.yaml"
  std::string place;  // absolute; relative paths in the file are taken from its folder
  std::string text;
  bool operator==(const ConfigFile&) const = default;
};

// The texts of a whole configuration, in the order in which they are joined. A running hub keeps
// them, so that a worker after a crash reads what its predecessor read, whatever the files hold by
// then.
struct Bundle {
  std::string name;   // as the user named it: "orders.yaml", "conf.d", "a.yaml and 1 more"
  std::string place;  // absolute, of the first path that was named: the hub is named after it
  std::vector<ConfigFile> files;
  bool operator==(const Bundle&) const = default;
};

// One text, for load_text and tests.
Bundle bundle_of(std::string_view text, const std::string& file, const std::string& place = {});

// Reads the files, and of each folder those whose names end in .yaml or .yml, sorted by name; not
// hidden ones, and none of folders below. `places`: the absolute path of each, as it was when the
// hub started, from which it is read; empty: as it is found now. At most kConfigFilesMax files, and
// kConfigBytesMax altogether. What cannot be read is told, all of it.
std::variant<Bundle, std::vector<Diagnostic>> read_bundle(
    const std::vector<std::string>& paths, const std::vector<std::string>& places = {});

// As one text and back; nullopt: `pack` did not make it.
std::string pack(const Bundle& bundle);
std::optional<Bundle> unpack(std::string_view packed);

}  // namespace standpipe::config
