// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "config/bundle.h"
#include "config/hub_options.h"
#include "plugin/registry.h"

namespace standpipe::config {

struct Loaded {
  HubOptions hub;                       // meaningful when there is no error among the diagnostics
  std::vector<Diagnostic> diagnostics;  // in the order of the file; warnings too
  bool ok() const;
};

// A worker that continues with an accepted configuration does not check the disk again: a link that
// somebody made meanwhile must not end the hub.
// live: as anew, and the machine is looked at as well (live.h).
enum class Reading { anew, again, live };

// Checks a configuration: every mistake in it, at once, each once, with its place. Touches nothing
// but the plugins and secret files that it names. Never throws for what a text may hold.
Loaded load(const Bundle& bundle, plugin::Registry& plugins, Reading how = Reading::anew);
// The same for files and folders, which are read first (bundle.h).
Loaded load_paths(const std::vector<std::string>& paths, plugin::Registry& plugins,
                  Reading how = Reading::anew);
Loaded load_file(const std::string& path, plugin::Registry& plugins);
// The same for one text that is already in memory; `file` is for messages and for resolving
// relative paths.
Loaded load_text(std::string_view text, const std::string& file, plugin::Registry& plugins,
                 Reading how = Reading::anew);
// What is told of files that cannot be read.
Loaded unreadable(const std::vector<std::string>& paths, std::vector<Diagnostic> why);

}  // namespace standpipe::config
