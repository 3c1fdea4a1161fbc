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
  // Throws Failure: no such file, not a shared object, undefined symbols, no standpipe_plugin_v1.
  explicit Library(const std::string& path);
  // The plugin's description; never null.
  const standpipe_plugin* description() const { return description_; }

 private:
  const standpipe_plugin* description_ = nullptr;
};

}  // namespace standpipe::plugin
