// SPDX-License-Identifier: Apache-2.0
#include "cli/configuration.h"

#include "base/text.h"
#include "plugin/registry.h"

namespace standpipe::cli {

Option plugins_option() {
  return {.name = "plugins",
          .letter = 'p',
          .kind = Kind::folder,
          .value = "DIR",
          .summary = "look for plugins in DIR first; may be given several times",
          .repeatable = true};
}

std::vector<std::string> plugin_folders(const Arguments& arguments) {
  auto folders = arguments.texts("plugins");
  for (auto& folder : plugin::Registry::default_folders()) folders.push_back(std::move(folder));
  return folders;
}

std::string inventory(const config::Hub& hub) {
  return counted(hub.sources.size(), "source") + ", " + counted(hub.handlers.size(), "handler") + ", " +
         counted(hub.routes.size(), "route");
}

}  // namespace standpipe::cli
