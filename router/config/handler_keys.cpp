// SPDX-License-Identifier: Apache-2.0
#include "config/key_sections.h"

#include <string>

#include "base/limits.h"
#include "base/text.h"
#include "config/plugin_keys.h"
#include "deliver/options.h"

namespace standpipe::config {
namespace {

KeyMap handler() {
  return {
      "handlers.NAME",
      "An instance of a plugin.",
      {{.name = "plugin",
        .value = "NAME | PATH",
        .fallback = "",
        .summary = "The plugin: a name, or a path when there is a slash in it.",
        .example = "print",
        .required = true},
       sha256_key(),
       {"options", "MAP", "", "The plugin's own: see PLUGINS, and `standpipe plugin show NAME`.",
        "{ format: hex }"},
       isolation_key(),
       process_memory_max_key(),
       user_key(),
       timeout_key("A call that takes longer counts as a crash; a message that the plugin settles "
                   "later has so long. Without it, for ever."),
       {"retry", "MAP", "", "How often, and after what wait, a message is tried again.",
        "{ max_attempts: 5 }"},
       {"queue", "MAP", "", "How much may wait for it, and what happens to the rest.",
        "{ type: memory, max_messages: 1000, when_full: drop_oldest }"},
       {"dead_letter", "BOOLEAN", "true",
        "What the plugin rejects, or fails on too often, is kept in data_dir; else it is dropped "
        "and counted.",
        "false"},
       {"allow_loop", "BOOLEAN", "false",
        "It may write into a FIFO that a source of this hub reads.", "true"}}};
}

KeyMap retry() {
  const deliver::HandlerOptions defaults{.name = {}, .values = {}};
  return {
      "handlers.NAME.retry",
      "",
      {{.name = "max_attempts",
        .value = "NUMBER",
        .fallback = std::to_string(defaults.attempts_max),
        .summary = "After so many failures a message is dead-lettered. 0: never.",
        .example = "5",
        .least = "0",
        .most = "1000000"},
       {.name = "max_age",
        .value = "DURATION",
        .fallback = "none",
        .summary = "A message that was accepted longer ago is given no more: it is "
                   "dead-lettered (expired), also while the handler's plugin is not connected.",
        .example = "1h",
        .least = "1s",
        .most = "3650d"},
       {"backoff", "MAP", "", "The waits between attempts, each up to a quarter shorter by chance.",
        "{ initial: 1s, max: 1m }"}}};
}

KeyMap queue() {
  return {
      "handlers.NAME.queue",
      "",
      {{.name = "type",
        .value = "none | memory | disk",
        .fallback = "none",
        .summary =
            "Where messages wait for this handler: in the log of their source; the same, but only "
            "so many of them; or in files in data_dir, so that the handler may be away for long "
            "while the source goes on.",
        .example = "disk",
        .required = true},
       {.name = "max_size",
        .value = "SIZE",
        .fallback = "on disk: " + size_text(kDiskQueueSizeDefault),
        .summary = "How many bytes of one source may wait, together with what the plugin, or the "
                   "reader of its FIFO, has not finished. On disk: at least 1MiB.",
        .example = "4MiB",
        .least = "1B",
        .most = size_text(kDiskQueueSizeMost)},
       {.name = "max_messages",
        .value = "NUMBER",
        .fallback = "",
        .summary =
            "The same in messages. In memory, what one read of the FIFO brings may come on top.",
        .example = "1000",
        .least = "1",
        .most = "1000000000000"},
       {.name = "when_full",
        .value = "block | drop_newest | drop_oldest",
        .fallback = "block",
        .summary =
            "`block`: the source is not read, so its writers wait. Otherwise what comes, or what "
            "has waited longest, is dropped and counted (queue_full). In memory: when the source's "
            "log is full, the oldest are dropped in any case, so that its other handlers continue.",
        .example = "drop_oldest"},
       {.name = "sync",
        .value = "never | interval | always",
        .fallback = "interval",
        .summary = "On disk: what a failure of power may cost. `always`: nothing that the queue "
                   "has taken; `interval`: the last 100 ms; `never`: what the kernel has not "
                   "written. The death of all processes costs nothing in any case.",
        .example = "always"}}};
}

}  // namespace

std::vector<KeyMap> handler_keys() {
  return {handler(), retry(), backoff_keys("handlers.NAME.retry.backoff"), queue()};
}

}  // namespace standpipe::config
