// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/option.h"

namespace standpipe::plugin {

// One loaded plugin: what it says of itself, copied and checked. Lives as long as the process:
// plugins are never unloaded.
struct Plugin {
  std::string name, version, summary, documentation, path;
  std::vector<Option> options;
  const standpipe_plugin* abi = nullptr;
  bool is_handler() const { return abi && abi->handler; }
  // Whether it may settle messages later: what it would mean by that is of minor version 1.
  bool may_take() const { return abi && abi->abi_minor >= 1; }
  // Whether it may emit messages, which is of that version, too.
  bool may_emit() const { return may_take(); }
  // Whether it wants to be called by the clock.
  bool ticks() const {
    return is_handler() && STANDPIPE_HAS(abi->handler, standpipe_handler, tick) &&
           abi->handler->tick;
  }
  // Whether its source wants to know up to which message all is safe.
  bool hears_of_safety() const { return is_source() && abi->source->committed; }
  bool is_source() const {
    return abi && STANDPIPE_HAS(abi, standpipe_plugin, source) && abi->source;
  }
};

// A shared object that could not be used, and why.
struct Refused {
  std::string path;
  std::string reason;
  std::string help;
};

// Finds plugins by name in a list of folders, first one wins; loads each at most once. One thread.
class Registry {
 public:
  explicit Registry(std::vector<std::string> folders);
  // Finds every plugin and loads none: what is found has a name and cannot be instantiated. For the
  // worker that only saves: it must not depend on plugins, which may have been removed or may have
  // killed the workers before it.
  static Registry of_names() { return Registry(); }
  bool loads() const { return loads_; }
  // What is found was tried before, by an earlier worker: it is loaded without being tried in a
  // child.
  void trust() { tries_ = false; }
  bool tries() const { return loads_ && tries_; }
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // `name` is a plugin's name, or a path when it contains a slash. nullptr: `why` says what was
  // tried and what to do.
  const Plugin* find(const std::string& name, Refused& why);
  // Names of the files that look like plugins, sorted, without loading any.
  std::vector<std::string> names() const;
  const std::vector<std::string>& folders() const { return folders_; }
  // "searched in /nope (no such folder), /usr/lib/standpipe/plugins"
  std::string searched() const;

  // $STANDPIPE_PLUGIN_PATH (colons between), then where the installation has them, relative to the
  // program (../lib/standpipe/plugins), so that it may be moved.
  static std::vector<std::string> default_folders();

 private:
  Registry() : loads_(false) {}
  struct Entry {
    std::unique_ptr<Plugin> plugin;  // or
    Refused refused;
  };
  std::optional<std::string> path_of(const std::string& name) const;
  std::string folders_help() const;
  void try_in_child(const std::string& path) const;

  bool loads_ = true;
  bool tries_ = true;
  std::vector<std::string> folders_;
  std::map<std::string, Entry> loaded_;  // by path; by name where nothing is loaded
};

}  // namespace standpipe::plugin
