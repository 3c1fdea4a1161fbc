// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugin/option.h"

namespace standpipe::plugin {

// One loaded plugin: what it says of itself, copied and checked. Lives as long as the process:
// plugins are never unloaded.
struct Plugin {
  std::string name, version, summary, documentation, path;
  std::string sha256 = {};  // that its file was pinned by; empty: it was not
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

// Finds plugins by name in a list of folders, first one wins; loads each at most once, or once for
// each way that it is pinned. Where root runs it, files that others could write to are refused,
// save those that are pinned. One thread.
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

  // Searches these folders, too: after those that a person or the environment named, before the
  // installation's. They replace those of an earlier call.
  void search_too(std::vector<std::string> folders);

  // `name` is a plugin's name, or a path when it contains a slash. `sha256`: what the file's
  // content must have, in lower case; empty: anything. nullptr: `why` says what was tried and what
  // to do.
  const Plugin* find(const std::string& name, Refused& why, const std::string& sha256 = {});
  // Names of the files that look like plugins, sorted, without loading any.
  std::vector<std::string> names() const;
  std::vector<std::string> folders() const;
  // "searched in /nope (no such folder), /usr/lib/standpipe/plugins"
  std::string searched() const;

  // $STANDPIPE_PLUGIN_PATH (colons between), then where the installation has them.
  static std::vector<std::string> default_folders();
  // Relative to the program (../lib/standpipe/plugins), so that it may be moved; empty: the
  // program's place is not known.
  static std::string installed_folder();

 private:
  Registry() : loads_(false) {}
  struct Entry {
    std::unique_ptr<Plugin> plugin;  // or
    Refused refused;
  };
  std::optional<std::string> path_of(const std::string& name) const;
  std::string folders_help() const;
  void try_in_child(const std::string& path, const std::string& sha256) const;
  Plugin load(const std::string& path, const std::string& sha256) const;

  bool loads_ = true;
  bool tries_ = true;
  std::vector<std::string> folders_;
  std::vector<std::string> more_folders_ = {};
  std::map<std::pair<std::string, std::string>, Entry>
      loaded_;  // by path and sha256; by name where nothing is loaded
};

}  // namespace standpipe::plugin
