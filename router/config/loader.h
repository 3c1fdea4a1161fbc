// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "config/hub.h"
#include "plugin/registry.h"

namespace standpipe::config {

struct Loaded {
  Hub hub;                              // meaningful when there is no error among the diagnostics
  std::vector<Diagnostic> diagnostics;  // in the order of the file; warnings too
  bool ok() const;
};

// A worker that goes on with a configuration that was accepted does not ask anew what the disk looks like: what somebody linked
// meanwhile must not end the hub.
enum class Reading { anew, again };

// Reads and checks a configuration file: every mistake in it, at once, each once, with its place. Touches nothing but the file,
// the plugins and secret files it names. Never throws for what a file may hold.
Loaded load_file(const std::string& path, plugin::Registry& plugins);
// What is in it, for load_text; empty: load_file says why not.
std::optional<std::string> read_text(const std::string& path);
// The same for text that is already in memory; `file` is for messages and for resolving relative paths.
// `place`: the file's absolute path, from which relative ones are taken; empty: as `file` is found now.
Loaded load_text(std::string_view text, const std::string& file, plugin::Registry& plugins, Reading how = Reading::anew,
                 const std::string& place = {});

}  // namespace standpipe::config
