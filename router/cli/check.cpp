// SPDX-License-Identifier: Apache-2.0
#include <cstddef>

#include "cli/command.h"
#include "cli/configuration.h"
#include "config/loader.h"

namespace standpipe::cli {
namespace {

std::size_t count_of(const config::Loaded& loaded, Severity severity) {
  std::size_t count = 0;  // of places: one message may name several
  for (const auto& d : loaded.diagnostics)
    if (d.severity == severity) count += 1 + d.others.size();
  return count;
}

// Each diagnostic, then a line that sums up and is told from the others by its "ok".
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

Status check(const Arguments& arguments, Streams& streams) {
  plugin::Registry plugins(plugin_folders(arguments));
  const auto loaded = config::load_file(arguments.operands()[0], plugins);
  if (arguments.has("json")) {
    print_json(loaded, streams.out);
  } else {
    for (const auto& d : loaded.diagnostics) streams.err.say(d);
    if (loaded.ok()) streams.out.write("ok: " + inventory(loaded.hub) + '\n');
  }
  return loaded.ok() ? Status::done : Status::wrong_configuration;
}

}  // namespace

Command check_command() {
  return {.name = "check",
          .summary = "tells every mistake in a configuration, without running it",
          .examples = {{"standpipe check orders.yaml", "ok: 2 sources, 3 handlers, 4 routes"},
                       {"standpipe check orders.yaml --json", "a mistake a line, for programs, and a last line with \"ok\""}},
          .description =
              "Reads the configuration and the descriptions of the plugins that it names; touches nothing else.\n"
              "Ends with status 78 when there is a mistake.",
          .operands = {{.name = "CONFIG"}},
          .options = {plugins_option(), {.name = "json", .summary = "JSON on standard output, an object a line"}},
          .run = check};
}

}  // namespace standpipe::cli
