// SPDX-License-Identifier: Apache-2.0
#include "config/key_sections.h"

#include "base/limits.h"
#include "base/text.h"
#include "config/hub_options.h"
#include "deliver/options.h"

namespace standpipe::config {
namespace {

// What the hub as a whole may take.
std::vector<Key> bounds() {
  return {
      {.name = "memory_max",
       .value = "SIZE",
       .fallback = size_text(kMemoryMaxDefault),
       .summary = "The memory of all messages that wait in the hub. A reload that wants more than "
                  "the memory has room for is refused, and says how much that is.",
       .example = "512MiB",
       .least = size_text(kMemoryMaxLeast),
       .most = size_text(kMemoryMaxMost)},
      {.name = "overflow_max",
       .value = "SIZE",
       .fallback = size_text(kOverflowMaxDefault),
       .summary =
           "How much of what waits for handlers that are away may go to the disk, of all of them "
           "together. A handler is away when it is held, or has been disconnected or without a "
           "reader for half a second. It goes there when a source's log is full of it and another "
           "handler of that source is further on, which continues so; and it is delivered first, "
           "in order, when the handler is there again. When this much is there, writers wait. 0B: "
           "nothing goes there. A handler with a `queue` does not overflow.",
       .example = "4GiB",
       .least = "0B",
       .most = size_text(kOverflowMaxMost)},
      {.name = "match_max",
       .value = "SIZE",
       .fallback = size_text(kMatchMaxDefault),
       .summary =
           "Larger payloads are not looked into: conditions on `text` and `json` do not match "
           "them, and neither does a `not` of one. A JSON document takes 16 times its size in "
           "memory while it is looked into.",
       .example = "4MiB",
       .least = "1B",
       .most = size_text(kMatchMaxMost)},
      {.name = "drain_timeout",
       .value = "DURATION",
       .fallback = duration_text(HubOptions().drain_timeout),
       .summary = "How long a stopping hub continues delivering; what is left is saved in "
                  "data_dir and comes first at the next start.",
       .example = "30s",
       .least = "0s",
       .most = "1d"}};
}

// Of its files: what it keeps, and where plugins are.
std::vector<Key> files() {
  return {{"dead_letters", "MAP", "", "How many dead letters are kept.",
           "{ max_size: 1GiB, max_age: 30d }"},
          {"plugin_path", "PATH | LIST", "",
           "Folders where plugins are looked for: after `--plugins` and `$STANDPIPE_PLUGIN_PATH`, "
           "before those that came with the program. Where root runs the hub, a plugin is refused "
           "whose file or folder others can write to, unless it is pinned by sha256.",
           "[/opt/standpipe/plugins, plugins]"}};
}

// What messages come from, go to, and by which way.
std::vector<Key> sections() {
  return {
      {.name = "sources",
       .value = "MAP",
       .fallback = "",
       .summary = "Where messages come in. The names are yours.",
       .example = "{ orders: { fifo: /run/standpipe/orders } }",
       .least = "1",
       .required = true},
      {.name = "handlers",
       .value = "MAP",
       .fallback = "",
       .summary = "What is done with messages. The names are yours.",
       .example = "{ screen: { plugin: print } }",
       .least = "1",
       .required = true},
      {.name = "routes",
       .value = "LIST",
       .fallback = "",
       .summary = "Which messages of which sources go to which handlers.",
       .example = "[{ from: orders, to: screen }]",
       .least = "1",
       .required = true},
      {"unmatched", "drop | dead_letter | HANDLER", "drop, with a warning",
       "What becomes of messages that no route wants, also of those that handlers emit where a "
       "route is from them. To say `drop` leaves out the warning; `dead_letter` keeps them among "
       "the dead letters (no_route). A handler here must not emit messages that come back to it: "
       "give it a last route without `match`.",
       "drop"},
      {"tests", "LIST", "", "Messages and what should come of them, for `standpipe test`.",
       "[{ send: { source: orders, text: hello }, expect: { screen: 1 } }]"}};
}

KeyMap whole_file() {
  KeyMap file{
      "",
      "A configuration has sources, handlers, and routes between them.",
      {{"version", "1", "1", "The version of this format.", "1"},
       {.name = "data_dir",
        .value = "PATH",
        .fallback = "",
        .summary =
            "The folder for what must survive the hub: spilled messages and dead letters. One hub "
            "at a time has it. By default it is `STEM-HASH`, by the configuration's name and "
            "place, in `$STATE_DIRECTORY` (a service), `/var/lib/standpipe` (root) or "
            "`~/.local/state/standpipe`.",
        .example = "/var/lib/standpipe/orders",
        .effect = Effect::start}}};
  for (const auto& part : {bounds(), files(), sections()})
    file.keys.insert(file.keys.end(), part.begin(), part.end());
  return file;
}

KeyMap dead_letters() {
  const HubOptions defaults;
  return {"dead_letters",
          "What is over a limit is removed by files, the oldest first, which is counted and said.",
          {{.name = "max_size",
            .value = "SIZE",
            .fallback = size_text(defaults.dead_letters.all),
            .summary = "Of all dead letters in data_dir.",
            .example = "10GiB",
            .least = size_text(deliver::kDeadLettersMaxLeast),
            .most = size_text(deliver::kDeadLettersMaxMost)},
           {.name = "max_age",
            .value = "DURATION",
            .fallback = duration_text(defaults.dead_letters.age),
            .summary = "Since a message was dead-lettered; some are kept a tenth longer.",
            .example = "90d",
            .least = "1m",
            .most = "3650d"}}};
}

}  // namespace

std::vector<KeyMap> hub_keys() { return {whole_file(), dead_letters()}; }

}  // namespace standpipe::config
