// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <standpipe/plugin.h>

#include <string>

namespace standpipe::plugin {

// A shared object in this process; the only place that sees Boost.DLL. Loaded with RTLD_NOW |
// RTLD_LOCAL, so that a missing symbol is an error here and not a crash later, and never unloaded:
// threads and thread-local destructors of the plugin may outlive every use of it.
class Library {
 public:
  // `sha256`: of the file, which is loaded from a sealed copy of it (pinned_file.h); empty: any
  // content. Throws Failure: no such file, another one than is pinned, not a shared object,
  // undefined symbols, no standpipe_plugin_v1.
  explicit Library(const std::string& path, const std::string& sha256 = {});
  // The plugin's description; never null.
  const standpipe_plugin* description() const { return description_; }

 private:
  const standpipe_plugin* description_ = nullptr;
};

}  // namespace standpipe::plugin
