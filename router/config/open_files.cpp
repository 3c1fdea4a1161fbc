// SPDX-License-Identifier: Apache-2.0
#include "config/open_files.h"

#include "base/open_files.h"
#include "base/text.h"
#include "plugin/path_template.h"

namespace standpipe::config {
namespace {

constexpr std::size_t kAProcess =
    10;  // a handler's: sockets, its calls, itself; and what it is started with

// What a handler may hold open beyond what is counted for each: a path with placeholders is many
// files.
std::size_t more_files(const deliver::HandlerOptions& handler) {
  if (!handler.plugin) return 0;
  bool chooses = false;
  std::size_t files = 0;
  for (std::size_t i = 0; i < handler.plugin->options.size(); ++i) {
    const auto& option = handler.plugin->options[i];
    const auto& value = handler.values[i];
    chooses = chooses || (option.is_template && value.is_set && !plugin::fixed_path(value.text));
    if (option.is_open_files && value.is_set && value.integer > 0)
      files += static_cast<std::size_t>(value.integer);
  }
  return chooses ? files : 0;
}

void add_files_of(const deliver::HandlerOptions& instance, OpenFiles& needed) {
  needed.worker += more_files(instance);
  if (instance.plugin && !instance.plugin->sha256.empty()) ++needed.worker;  // the file's copy
  if (!instance.plugin || instance.where() != deliver::Placement::process) return;
  needed.worker += kAProcess;
  ++needed.kept;  // its calls
}

}  // namespace

void check_open_files(Context& context, const HubOptions& hub, const Spot& sources) {
  const auto plugins = hub.source_plugins.size();  // each is one of the sources, and has no FIFO
  auto needed = OpenFiles::needed_for(hub.sources.size() - plugins, hub.handlers.size(), plugins);
  for (const auto* instances : {&hub.handlers, &hub.source_plugins})
    for (const auto& instance : *instances) add_files_of(instance, needed);
  const auto limit = open_files_limit();
  if (needed.kept > kKeptMost)
    return context.error(
        sources, "too-many",
        counted(hub.sources.size(), "source") + " and " + counted(hub.handlers.size(), "handler") +
            " may need " + thousands(needed.kept) +
            " descriptors that outlive a worker, and a hub holds " + thousands(kKeptMost),
        "divide them among several hubs");
  if (needed.worker > limit)
    context.error(sources, "open-files",
                  "this configuration may need " + thousands(needed.worker) +
                      " open files, and the limit is " + thousands(limit),
                  "raise it: ulimit -Hn " + std::to_string(needed.worker) +
                      " (or LimitNOFILE= in the service's unit)");
}

}  // namespace standpipe::config
