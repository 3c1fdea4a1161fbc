// SPDX-License-Identifier: Apache-2.0
#include "config/schema.h"

#include "cli/command.h"
#include "cli/configuration.h"
#include "cli/reference.h"

namespace standpipe::cli {
namespace {

Status print_schema(const Arguments& arguments, Streams& streams) {
  plugin::Registry plugins(plugin_folders(arguments));
  streams.out.write(config::schema(usable_plugins(plugins, &streams.err)));
  return Status::done;
}

}  // namespace

Command schema_command() {
  return {.name = "schema",
          .summary = "prints a JSON schema of configurations, for editors",
          .examples = {{"standpipe schema > standpipe.schema.json",
                        "for a first line: # yaml-language-server: $schema=standpipe.schema.json"},
                       {"standpipe schema --plugins ./build", "with the options of your plugins"}},
          .description =
              "An editor that knows the schema completes keys, shows what they mean and marks\n"
              "mistakes while you type. It has the options of all plugins that are found. What\n"
              "it cannot see (names, limits, other files) `standpipe check` does.",
          .operands = {},
          .options = {plugins_option()},
          .run = print_schema};
}

}  // namespace standpipe::cli
