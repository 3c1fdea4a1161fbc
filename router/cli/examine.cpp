// SPDX-License-Identifier: Apache-2.0
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/failure.h"
#include "base/text.h"
#include "cli/configuration.h"
#include "cli/running.h"
#include "config/bundle.h"
#include "config/differences.h"
#include "worker/hub_names.h"

namespace standpipe::cli {
namespace {

using config::Difference;

// What identifies them, by their paths.
std::map<std::string, std::string> files_by_path(std::string_view text) {
  std::map<std::string, std::string> files;
  for (const auto& line : lines_in(text)) {
    const auto space = std::min(line.find(' '), line.size());
    files.emplace(line.substr(std::min(space + 1, line.size())), line.substr(0, space));
  }
  return files;
}

// Plugins whose files are others than the running worker has loaded: by what the files hold now.
void add_plugins(const Parts& running, const Parts& found, const config::HubOptions& hub,
                 std::vector<Difference>& all) {
  const auto before = files_by_path(running.text("plugins"));
  std::map<std::string, std::string> names;
  for (const auto* instances : {&hub.handlers, &hub.source_plugins})
    for (const auto& instance : *instances) names[instance.plugin->path] = instance.plugin->name;
  for (const auto& [path, file] : files_by_path(found.text("plugins")))
    if (const auto was = before.find(path); was != before.end() && was->second != file)
      all.push_back({Difference::Kind::changed, "plugin", names[path], "its file"});
}

// Those that are configured otherwise, or whose plugin is another file: a line each.
std::string changed_instances(const std::vector<Difference>& all, const config::HubOptions& hub) {
  std::string lines;
  for (const auto* instances : {&hub.handlers, &hub.source_plugins})
    for (const auto& instance : *instances) {
      const auto is_its = [&](const Difference& d) {
        return d.kind == Difference::Kind::changed &&
               ((d.what == (instance.is_source ? "source" : "handler") &&
                 d.name == instance.name) ||
                (d.what == "plugin" && d.name == instance.plugin->name));
      };
      if (std::any_of(all.begin(), all.end(), is_its)) lines += instance.name + '\n';
    }
  return lines;
}

void describe(const std::vector<Difference>& all, Parts& found) {
  std::string text, json;
  for (const auto& difference : all) {
    text += "  " + difference.text() + '\n';
    json += (json.empty() ? "" : ",") + difference.json();
  }
  found.set("changes", text);
  found.set("changes.json", '[' + json + ']');
}

void describe(const std::vector<Diagnostic>& diagnostics, Parts& found) {
  std::string text, json;
  for (const auto& diagnostic : diagnostics) {
    text += render(diagnostic, false);
    auto object = render_json(diagnostic);
    while (object.ends_with('\n')) object.pop_back();
    json += (json.empty() ? "" : ",") + object;
  }
  found.set("diagnostics", text);
  found.set("diagnostics.json", '[' + json + ']');
}

// What a running hub cannot change; empty: it can do all of it.
std::string what_cannot_change(const config::HubOptions& before, const config::HubOptions& after) {
  if (before.data_dir == after.data_dir) return {};
  return "data_dir cannot change while the hub runs, from " + before.data_dir + " to " +
         after.data_dir + ": stop and start the hub";
}

bool has_error(const std::vector<Diagnostic>& diagnostics) {
  return std::any_of(diagnostics.begin(), diagnostics.end(),
                     [](const auto& d) { return d.severity == Severity::error; });
}

config::Bundle bundle_of(const Parts& configuration) {
  return config::unpack(configuration.text("text")).value_or(config::Bundle{});
}

Parts examined(const Parts& running, const Arguments& worker) {
  auto read = read_configuration(worker);
  if (const auto* why = std::get_if<std::vector<Diagnostic>>(&read)) {
    Parts found;
    describe(*why, found);
    found.set("why", "the configuration cannot be read");
    return found;
  }
  auto found = std::get<Parts>(std::move(read));
  plugin::Registry plugins(plugin_folders(worker));
  const auto loaded = load_configuration(found, plugins, config::Reading::anew);
  describe(loaded.diagnostics, found);
  if (has_error(loaded.diagnostics)) {
    found.set("why", "the configuration is wrong");
    return found;
  }
  auto names = plugin::Registry::of_names();
  const auto before = load_configuration(running, names, config::Reading::again);
  if (const auto why = what_cannot_change(before.hub, loaded.hub); !why.empty())
    found.set("why", why);
  worker::HubNames::of(loaded.hub).write(found);
  found.set("plugins", plugin_files(loaded.hub));
  auto all = config::differences(bundle_of(running), bundle_of(found));
  add_plugins(running, found, loaded.hub, all);
  describe(all, found);
  found.set("changed", changed_instances(all, loaded.hub));
  return found;
}

}  // namespace

Status examine(const Arguments& worker, Streams& streams) {
  const auto parent = ::getppid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const auto files = worker.text("examine").value_or("");
  const auto comma = std::min(files.find(','), files.size());
  const auto file = parse_integer(files.substr(0, comma));
  const auto running = parse_integer(files.substr(std::min(comma + 1, files.size())));
  if (::getppid() != parent || !file || !running)
    throw WrongUsage("a configuration is examined by a worker only", "standpipe reload");
  (void)streams;
  examined(Parts::read(static_cast<int>(*running)), worker).write_to(static_cast<int>(*file));
  return Status::done;
}

}  // namespace standpipe::cli
