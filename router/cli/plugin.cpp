// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <system_error>

#include "base/text.h"
#include "cli/command.h"
#include "cli/configuration.h"
#include "cli/plugin_page.h"
#include "cli/show.h"
#include "plugin/registry.h"

namespace standpipe::cli {
namespace {

using plugin::Plugin;
using plugin::Refused;
using plugin::Registry;

std::string short_json(const Plugin& plugin) {
  return "{\"name\":" + json_string(plugin.name) + ",\"version\":" + json_string(plugin.version) +
         ",\"kind\":" + json_string(plugin_kind(plugin)) +
         ",\"summary\":" + json_string(plugin.summary) + ",\"path\":" + json_string(plugin.path) +
         "}\n";
}

std::string broken_json(const std::string& name, const Refused& refused) {
  return "{\"name\":" + json_string(name) +
         ",\"kind\":\"broken\",\"reason\":" + json_string(refused.reason) +
         ",\"help\":" + json_string(refused.help) + ",\"path\":" + json_string(refused.path) +
         "}\n";
}

// A named folder that does not exist is a typing mistake; the list would not show it.
void warn_of_missing_folders(const Arguments& arguments, Reporter& reporter) {
  for (const auto& folder : arguments.texts("plugins")) {
    std::error_code error;
    if (!std::filesystem::is_directory(folder, error))
      reporter.warning("no-folder", "there is no plugin folder " + escaped(folder),
                       "correct --plugins");
  }
}

Status list(const Arguments& arguments, Streams& streams) {
  Registry plugins(plugin_folders(arguments));
  warn_of_missing_folders(arguments, streams.err);
  const bool json = arguments.has("json");
  std::vector<std::vector<std::string>> rows = {{"NAME", "VERSION", "KIND", "SUMMARY"}};
  for (const auto& name : plugins.names()) {
    Refused refused;
    if (const auto* plugin = plugins.find(name, refused)) {
      rows.push_back(
          {name, printable(plugin->version), plugin_kind(*plugin), printable(plugin->summary)});
      if (json) streams.out.write(short_json(*plugin));
    } else {
      rows.push_back({printable(name), "-", "broken", printable(refused.reason)});
      if (json) streams.out.write(broken_json(name, refused));
    }
  }
  if (json) return Status::done;
  if (rows.size() > 1)
    streams.out.write(table_text(rows));
  else
    streams.err.info("there are no plugins: " + plugins.searched());
  return Status::done;
}

Status show(const Arguments& arguments, Streams& streams) {
  Registry plugins(plugin_folders(arguments));
  const auto& name = arguments.operands()[0];
  Refused refused;
  const auto* plugin = plugins.find(name, refused);
  if (!plugin) {
    const auto near = refused.path.empty() ? nearest(name, plugins.names()) : std::nullopt;
    throw Failure(refused.reason,
                  near ? "did you mean '" + *near + "'? (" + refused.help + ')' : refused.help);
  }
  streams.out.write(arguments.has("json")   ? plugin_json(*plugin)
                    : arguments.has("yaml") ? plugin_yaml(*plugin)
                                            : plugin_page(*plugin));
  return Status::done;
}

}  // namespace

Command plugin_list_command() {
  return {.name = "plugin list",
          .summary = "lists the plugins that are there",
          .examples = {{"standpipe plugin list", "name, version, kind and summary of each"},
                       {"standpipe plugin list --plugins ./build",
                        "with those in a folder of your own"}},
          .description =
              "Plugins are searched in --plugins, then in $STANDPIPE_PLUGIN_PATH, then, for a\n"
              "configuration, in its plugin_path, then beside the program. Files that cannot be\n"
              "used are listed as broken, with the reason.",
          .operands = {},
          .options = {plugins_option(),
                      {.name = "json", .summary = "JSON, an object a plugin and line"}},
          .run = list};
}

Command plugin_show_command() {
  return {
      .name = "plugin show",
      .summary = "a plugin's page: what it does, its options, an example",
      .examples = {{"standpipe plugin show log", "the page of the plugin log"},
                   {"standpipe plugin show ./build/mine.so", "of a plugin that is not installed"},
                   {"standpipe plugin show log --yaml > mine.yaml",
                    "a configuration to start from"}},
      .description = "Everything on the page comes from the plugin's own description.",
      .operands = {{.name = "NAME"}},
      .options = {plugins_option(),
                  {.name = "yaml", .summary = "a configuration with it, each option explained"},
                  {.name = "json", .summary = "JSON: one object"}},
      .run = show};
}

}  // namespace standpipe::cli
