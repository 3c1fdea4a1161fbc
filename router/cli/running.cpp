// SPDX-License-Identifier: Apache-2.0
#include "cli/running.h"

#include <sys/stat.h>

#include <ctime>
#include <set>
#include <system_error>
#include <utility>

#include "base/clock.h"
#include "base/failure.h"
#include "base/folder.h"
#include "config/bundle.h"

namespace standpipe::cli {
namespace {

std::string identity_of(const std::string& path) {
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) return "none";
  return std::to_string(st.st_dev) + ':' + std::to_string(st.st_ino) + ':' +
         std::to_string(st.st_size) + ':' + std::to_string(st.st_mtim.tv_sec) + '.' +
         std::to_string(st.st_mtim.tv_nsec);
}

std::vector<std::string> paths_of(const Arguments& worker) {
  const auto places = worker.texts("place");
  return places.empty() ? worker.operands() : places;
}

// A file may be written to twice within a tick of its clock, so what was written just now is
// looked into.
constexpr std::time_t kOld = 2;  // seconds

// Of the paths, and of all that is in those that are folders. Empty: some of it is too young.
std::string looks_of(const std::vector<std::string>& paths) {
  std::string looks;
  bool is_old = true;
  const auto add = [&](const std::string& path) {
    struct stat st {};
    const bool is_there = ::stat(path.c_str(), &st) == 0;
    is_old = is_old && (!is_there || st.st_mtim.tv_sec + kOld < std::time(nullptr));
    looks += identity_of(path) + ' ' + path + '\n';
  };
  for (const auto& path : paths) {
    add(path);
    std::error_code problem;
    for (const auto& name : names_in(path, problem)) add(path + '/' + name);
  }
  return is_old ? looks : "";
}

}  // namespace

std::variant<Parts, std::vector<Diagnostic>> read_configuration(const Arguments& worker) {
  auto read = config::read_bundle(worker.operands(), worker.texts("place"));
  if (auto* why = std::get_if<std::vector<Diagnostic>>(&read)) return std::move(*why);
  Parts configuration;
  configuration.set("text", config::pack(std::get<config::Bundle>(read)));
  configuration.set("loaded_ns", static_cast<std::uint64_t>(SystemClock().wall().count()));
  return configuration;
}

config::Loaded load_configuration(const Parts& configuration, plugin::Registry& plugins,
                                  config::Reading how) {
  const auto bundle = config::unpack(configuration.text("text"));
  if (!bundle) throw Failure("the configuration in force is damaged");
  return config::load(*bundle, plugins, how);
}

bool DiskComparison::has_changed(const Parts& configuration, const Arguments& worker) {
  auto looks = looks_of(paths_of(worker));
  if (!looks.empty() && looks == looked_) return has_changed_;
  const auto now = read_configuration(worker);
  const auto* read = std::get_if<Parts>(&now);
  has_changed_ = !read || read->text("text") != configuration.text("text");
  looked_ = std::move(looks);
  return has_changed_;
}

std::string plugin_files(const config::HubOptions& hub) {
  std::set<std::string> lines;
  for (const auto* instances : {&hub.handlers, &hub.source_plugins})
    for (const auto& instance : *instances)
      if (instance.plugin && !instance.plugin->path.empty())
        lines.insert(identity_of(instance.plugin->path) + ' ' + instance.plugin->path);
  std::string text;
  for (const auto& line : lines) text += line + '\n';
  return text;
}

}  // namespace standpipe::cli
