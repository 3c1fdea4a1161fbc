// SPDX-License-Identifier: Apache-2.0
#include "plugin/registry.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "base/failure.h"
#include "base/text.h"
#include "plugin/description.h"
#include "plugin/library.h"
#include "plugin/trial.h"

namespace standpipe::plugin {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".so";

// What stands for a plugin that is not loaded: a handler and a source that nobody calls.
const standpipe_plugin& nothing() {
  static const standpipe_source dry = [] {
    standpipe_source source{};
    source.placement = STANDPIPE_INLINE;
    return source;
  }();
  static const standpipe_handler nobody = [] {
    standpipe_handler handler{};
    handler.placement = STANDPIPE_INLINE;
    return handler;
  }();
  static const standpipe_plugin plugin = [] {
    standpipe_plugin p{};
    p.size = sizeof p;
    p.handler = &nobody;
    p.source = &dry;
    return p;
  }();
  return plugin;
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    if (entry->path().extension() == kSuffix) names.push_back(entry->path().stem().string());
  return names;
}

bool is_there(const std::string& path) {
  std::error_code error;
  return fs::exists(
      fs::symlink_status(path, error));  // a link that leads nowhere is there, too, and broken
}

bool is_missing(const std::error_code& error) {
  return error == std::errc::no_such_file_or_directory;
}

}  // namespace

Registry::Registry(std::vector<std::string> folders) : folders_(std::move(folders)) {}

Registry::~Registry() = default;

std::vector<std::string> Registry::default_folders() {
  std::vector<std::string> folders;
  if (const char* path = std::getenv("STANDPIPE_PLUGIN_PATH")) {
    std::string_view rest = path;
    while (!rest.empty()) {
      const auto colon = std::min(rest.find(':'), rest.size());
      if (colon > 0) folders.emplace_back(rest.substr(0, colon));
      rest.remove_prefix(std::min(colon + 1, rest.size()));
    }
  }
  std::error_code error;
  const auto program = fs::read_symlink("/proc/self/exe", error);
  if (!error)
    folders.push_back(
        (program.parent_path() / STANDPIPE_PLUGINS_FROM_PROGRAM).lexically_normal().string());
  return folders;
}

std::vector<std::string> Registry::names() const {
  std::set<std::string> names;
  for (const auto& folder : folders_)
    for (const auto& name : names_in(folder)) names.insert(name);
  return {names.begin(), names.end()};
}

const Plugin* Registry::find(const std::string& name, Refused& why) {
  if (!loads_) {
    auto& plugin = loaded_[name].plugin;
    if (!plugin) plugin = std::make_unique<Plugin>();
    plugin->name = name;
    plugin->abi = &nothing();
    return plugin.get();
  }
  const auto path = path_of(name);
  if (!path) {
    why = {"", "unknown plugin '" + escaped(name) + '\'', folders_help()};
    return nullptr;
  }
  if (const auto known = loaded_.find(*path); known != loaded_.end()) {
    if (!known->second.plugin) why = known->second.refused;
    return known->second.plugin.get();
  }
  auto& entry = loaded_[*path];
  try {
    try_in_child(*path);
    entry.plugin = std::make_unique<Plugin>(read_description(*Library(*path).description(), *path));
  } catch (const Failure& failure) {
    entry.refused = {*path, failure.what(), failure.help()};
    why = entry.refused;
  }
  return entry.plugin.get();
}

// The first code of a plugin that runs: constructors of the library, and its description.
void Registry::try_in_child(const std::string& path) const {
  if (!tries_) return;
  if (const auto fault =
          fault_in_child([&] { (void)read_description(*Library(path).description(), path); }))
    throw Failure(path + ": it " + *fault + " when it was asked what it is",
                  "look at its describe(), and at what is made when it is loaded");
}

std::optional<std::string> Registry::path_of(const std::string& name) const {
  if (name.find('/') != std::string::npos)
    return is_there(name) ? std::optional(fs::absolute(name).string()) : std::nullopt;
  for (const auto& folder : folders_) {
    const auto path = (fs::path(folder) / (name + std::string(kSuffix))).string();
    if (is_there(path)) return fs::absolute(path).string();
  }
  return std::nullopt;
}

std::string Registry::folders_help() const {
  const auto known = names();
  return (known.empty() ? "there are no plugins; " : "plugins: " + joined(known, ", ") + "; ") +
         searched();
}

std::string Registry::searched() const {
  std::vector<std::string> places;
  for (const auto& folder : folders_) {
    std::error_code error;
    const bool is_folder = fs::is_directory(folder, error);
    const char* why = is_folder                     ? ""
                      : is_there(folder)            ? " (not a folder)"
                      : error && !is_missing(error) ? " (not readable)"
                                                    : " (no such folder)";
    places.push_back(escaped(folder) + why);
  }
  return places.empty()
             ? "no folder was searched: name one with --plugins or in STANDPIPE_PLUGIN_PATH"
             : "searched in " + joined(places, ", ");
}

}  // namespace standpipe::plugin
