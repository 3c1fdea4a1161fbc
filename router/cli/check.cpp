// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <string>

#include "cli/command.h"
#include "cli/configuration.h"
#include "config/live.h"
#include "config/loader.h"

namespace standpipe::cli {
namespace {

std::size_t count_of(const config::Loaded& loaded, Severity severity) {
  std::size_t count = 0;  // of places: one message may name several
  for (const auto& d : loaded.diagnostics)
    if (d.severity == severity) count += 1 + d.others.size();
  return count;
}

// Each diagnostic, then a line that sums up, recognisable by its "ok".
void print_json(const config::Loaded& loaded, StandardOutput& out) {
  for (const auto& d : loaded.diagnostics) out.write(render_json(d));
  out.write(std::string("{\"ok\":") + (loaded.ok() ? "true" : "false"));
  out.write(",\"errors\":" + std::to_string(count_of(loaded, Severity::error)));
  out.write(",\"warnings\":" + std::to_string(count_of(loaded, Severity::warning)));
  if (loaded.ok()) {
    out.write(",\"sources\":" + std::to_string(loaded.hub.sources.size()));
    out.write(",\"handlers\":" + std::to_string(loaded.hub.handlers.size()));
    out.write(",\"routes\":" + std::to_string(loaded.hub.routes.size()));
  }
  out.write("}\n");
}

std::string after_live(const config::Loaded& loaded) {
  const bool runs = std::any_of(loaded.diagnostics.begin(), loaded.diagnostics.end(),
                                [](const auto& d) { return d.code == config::kHubRuns; });
  return runs ? "; its hub runs" : "; a hub could start now";
}

Status check(const Arguments& arguments, Streams& streams) {
  plugin::Registry plugins(plugin_folders(arguments));
  const auto loaded =
      config::load_paths(arguments.operands(), plugins,
                         arguments.has("live") ? config::Reading::live : config::Reading::anew);
  if (arguments.has("json")) {
    print_json(loaded, streams.out);
  } else {
    for (const auto& d : loaded.diagnostics) streams.err.say(d);
    if (loaded.ok())
      streams.out.write("ok: " + inventory(loaded.hub) +
                        (arguments.has("live") ? after_live(loaded) : "") + '\n');
  }
  return loaded.ok() ? Status::done : Status::wrong_configuration;
}

}  // namespace

Command check_command() {
  return {
      .name = "check",
      .summary = "reports every mistake in a configuration without running it",
      .examples = {{"standpipe check orders.yaml", "ok: 2 sources, 3 handlers, 4 routes"},
                   {"standpipe check conf.d/", "all .yaml files of a folder, as one configuration"},
                   {"standpipe check --live orders.yaml",
                    "looks at FIFOs, folders and what plugins open as well"},
                   {"standpipe check orders.yaml --json",
                    "a mistake a line, for programs, and a last line with \"ok\""}},
      .description =
          "Reads the configuration and the descriptions of the plugins that it names, and\n"
          "touches nothing else. The status is 78 when there is a mistake.\n"
          "\n"
          "--live also looks at the machine as a start would find it now: paths that exist\n"
          "as something else, folders that are missing, unknown owners, modes that differ,\n"
          "FIFOs that another hub reads. FIFOs are neither made nor opened, and neither are\n"
          "the files of `log`, whose folder and permissions are looked at. Other plugins are\n"
          "opened, each in a process of its own, for at most 5 s, and closed again: they do\n"
          "what their open does. Plugins are not opened while a hub runs with the same\n"
          "data_dir.\n"
          "Run it as the user that the hub will run as.",
      .operands = {{.name = "CONFIG", .repeated = true}},
      .options = {plugins_option(),
                  {.name = "live", .summary = "look at the machine as well"},
                  {.name = "json", .summary = "JSON on standard output, an object a line"}},
      .run = check};
}

}  // namespace standpipe::cli
