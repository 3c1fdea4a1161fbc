// SPDX-License-Identifier: Apache-2.0
#include "cli/configuration.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "config/loader.h"

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

std::optional<config::HubOptions> load_configuration(const Arguments& arguments, Streams& streams,
                                                     plugin::Registry& plugins) {
  auto loaded = config::load_paths({arguments.operands()[0]}, plugins);
  if (loaded.ok()) return std::move(loaded.hub);
  for (const auto& d : loaded.diagnostics) streams.err.say(d);
  return std::nullopt;
}

std::string inventory(const config::HubOptions& hub) {
  const auto own = std::count_if(hub.handlers.begin(), hub.handlers.end(), [](const auto& handler) {
    return handler.is_for_unmatched_letters();
  });
  const auto handlers = hub.handlers.size() - static_cast<std::size_t>(own);
  const auto sources = std::count_if(hub.sources.begin(), hub.sources.end(), [](const auto& s) {
    return s.origin != source::Origin::handler;  // which is counted as one
  });
  return counted(static_cast<std::size_t>(sources), "source") + ", " +
         counted(handlers, "handler") + ", " + counted(hub.routes.size(), "route");
}

}  // namespace standpipe::cli
