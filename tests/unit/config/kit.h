// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/loader.h"
#include "places.h"

// Six plugins that are always there, whatever else is built: messages list them.
class ConfigPlugins {
 public:
  ConfigPlugins() {
    char name[] = "/tmp/standpipe-config-XXXXXX";
    folder_ = ::mkdtemp(name);
    for (const auto* plugin : {"print", "log", "forward"}) link(places::plugins(), plugin);
    for (const auto* plugin : {"every_option", "bringing", "speaking", "two_way"})
      link(places::config_plugins(), plugin);
  }
  ~ConfigPlugins() { std::filesystem::remove_all(folder_); }
  ConfigPlugins(const ConfigPlugins&) = delete;
  ConfigPlugins& operator=(const ConfigPlugins&) = delete;

  const std::filesystem::path& folder() const { return folder_; }

 private:
  void link(const std::string& from, const std::string& name) {
    std::filesystem::create_symlink(std::filesystem::path(from) / (name + ".so"),
                                    folder_ / (name + ".so"));
  }
  std::filesystem::path folder_;
};

inline std::string rendered(const standpipe::config::Loaded& loaded) {
  std::string text;
  for (const auto& d : loaded.diagnostics) text += standpipe::render(d, false);
  return text;
}
