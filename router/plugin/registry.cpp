// SPDX-License-Identifier: Apache-2.0
#include "plugin/registry.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <set>
#include <utility>

#include "base/failure.h"
#include "base/folder.h"
#include "base/text.h"
#include "plugin/description.h"
#include "plugin/library.h"
#include "plugin/trial.h"
#include "plugin/trusted_file.h"

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

std::vector<std::string> plugins_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const fs::path file : names_in(folder, error))
    if (file.extension() == kSuffix) names.push_back(file.stem().string());
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
  if (auto installed = installed_folder(); !installed.empty())
    folders.push_back(std::move(installed));
  return folders;
}

std::string Registry::installed_folder() {
  std::error_code error;
  const auto program = fs::read_symlink("/proc/self/exe", error);
  if (error) return {};
  return (program.parent_path() / STANDPIPE_PLUGINS_FROM_PROGRAM).lexically_normal().string();
}

void Registry::search_too(std::vector<std::string> folders) { more_folders_ = std::move(folders); }

std::vector<std::string> Registry::folders() const {
  auto all = folders_;
  const bool ends_in_installed = !all.empty() && all.back() == installed_folder();
  all.insert(ends_in_installed ? std::prev(all.end()) : all.end(), more_folders_.begin(),
             more_folders_.end());
  return all;
}

std::vector<std::string> Registry::names() const {
  std::set<std::string> names;
  for (const auto& folder : folders())
    for (const auto& name : plugins_in(folder)) names.insert(name);
  return {names.begin(), names.end()};
}

const Plugin* Registry::find(const std::string& name, Refused& why, const std::string& sha256) {
  if (!loads_) {
    auto& plugin = loaded_[{name, sha256}].plugin;
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
  if (const auto known = loaded_.find({*path, sha256}); known != loaded_.end()) {
    if (!known->second.plugin) why = known->second.refused;
    return known->second.plugin.get();
  }
  auto& entry = loaded_[{*path, sha256}];
  try {
    entry.plugin = std::make_unique<Plugin>(load(*path, sha256));
  } catch (const Failure& failure) {
    entry.refused = {*path, failure.what(), failure.help()};
    why = entry.refused;
  }
  return entry.plugin.get();
}

Plugin Registry::load(const std::string& path, const std::string& sha256) const {
  if (sha256.empty()) check_trusted(path);
  try_in_child(path, sha256);
  auto plugin = read_description(*Library(path, sha256).description(), path);
  plugin.sha256 = sha256;
  return plugin;
}

// The first code of a plugin that runs: constructors of the library, and its description.
void Registry::try_in_child(const std::string& path, const std::string& sha256) const {
  if (!tries_) return;
  const auto ask = [&] { (void)read_description(*Library(path, sha256).description(), path); };
  if (const auto fault = fault_in_child(ask))
    throw Failure(path + ": it " + *fault + " when it was asked what it is",
                  "look at its describe(), and at what is made when it is loaded");
}

std::optional<std::string> Registry::path_of(const std::string& name) const {
  if (name.find('/') != std::string::npos)
    return is_there(name) ? std::optional(fs::absolute(name).string()) : std::nullopt;
  for (const auto& folder : folders()) {
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
  for (const auto& folder : folders()) {
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
