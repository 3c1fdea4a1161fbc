// SPDX-License-Identifier: Apache-2.0
//
// standpipe/testing/library.hpp: the plugin of a class, or of a file. Part of testing.hpp.
#pragma once

#include <dlfcn.h>
#include <standpipe/plugin.h>
#include <standpipe/plugin.hpp>

#include <stdexcept>
#include <string>

namespace standpipe::testing {

// The plugin that STANDPIPE_PLUGIN(Classes...) would export.
template <class... Classes>
const standpipe_plugin& plugin_of() {
  return *standpipe::detail::ExportedPlugin<Classes...>::description();
}

// Loads a built plugin as the hub does, and as the hub never unloads it. A name without a slash is
// a file of the working directory.
inline const standpipe_plugin& load(const std::string& file) {
  const auto path = file.find('/') == std::string::npos ? "./" + file : file;
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!library) throw std::runtime_error(::dlerror());
  void* entry = ::dlsym(library, "standpipe_plugin_v1");
  if (!entry) throw std::runtime_error(::dlerror());
  const auto* plugin = reinterpret_cast<standpipe_plugin_v1_function>(entry)();
  if (!plugin) throw std::runtime_error(path + ": standpipe_plugin_v1 returned nothing");
  return *plugin;
}

}  // namespace standpipe::testing
