// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "config/reader.h"
#include "plugin/registry.h"

namespace standpipe::config {

// What a configuration wants of a plugin: it has messages given to it, or brings them in.
enum class Role { handler, source };

// Finds the plugins that handlers and sources name; each that cannot be used is loaded once, but
// reported wherever it is named.
class Plugins {
 public:
  Plugins(Context& context, plugin::Registry& registry);
  // nullptr: a mistake was added. `sha256`: what pins its file; empty: it is not pinned.
  const plugin::Plugin* find(const Field& field, Role role, const std::string& sha256);
  // How the options of a part's plugin are written, for somebody who left out `options:`.
  std::vector<Synonym> options_of(const Node& part);
  // Else plugins have names only, and what they want is not asked.
  bool loads() const { return registry_.loads(); }

 private:
  struct Answer {
    const plugin::Plugin* plugin = nullptr;
    plugin::Refused refused;
  };
  const Answer& ask(const std::string& name, const std::string& whole, const std::string& sha256);
  void complain(const Field& field, const std::string& name, const Answer& answer);
  void complain_of_role(const Field& field, const plugin::Plugin& plugin, Role role);
  void warn_of_another_name(const Field& field, const plugin::Plugin& plugin);
  std::string suggest(const std::string& name);

  Context& context_;
  plugin::Registry& registry_;
  std::vector<std::string>
      known_;  // sorted; folders are looked through once, not for each name that is unknown
  std::map<std::pair<std::string, std::string>, Answer> answers_;  // by name or path, and sha256
};

}  // namespace standpipe::config
