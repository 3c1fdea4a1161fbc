// SPDX-License-Identifier: Apache-2.0
#include "config/key_sections.h"

#include "base/limits.h"
#include "base/text.h"
#include "config/plugin_keys.h"

namespace standpipe::config {
namespace {

KeyMap source() {
  return {
      "sources.NAME",
      "A FIFO that programs write frames into, or a plugin that brings messages. A handler "
      "that emits messages is a source, too: routes name it after `from`.",
      {{.name = "fifo",
        .value = "PATH",
        .fallback = "",
        .summary = "The FIFO. It is created when it is missing.",
        .example = "/run/standpipe/orders"},
       {.name = "plugin",
        .value = "NAME | PATH",
        .fallback = "",
        .summary = "Instead of a FIFO, a plugin that offers a source: a name, or a path when "
                   "there is a slash in it.",
        .example = "replay"},
       {"mode", "\"OCTAL\"", "\"0600\"", "The permissions of a FIFO that is created, in quotes.",
        "\"0620\""},
       {"owner", "USER", "", "The owner of a FIFO that is created.", "root"},
       {"group", "GROUP", "", "The group of a FIFO that is created.", "adm"},
       {"trust", "self | others", "self",
        "Of a FIFO: with `others`, the path is used even where other users could have put "
        "something in its place.",
        "others"},
       {"options", "MAP", "", "The plugin's own: see PLUGINS, and `standpipe plugin show NAME`.",
        "{ path: /var/log/orders.log }"},
       {"ack", "settled | accepted", "settled",
        "When a plugin is told that a message is safe, so that a broker may forget it: when "
        "all handlers have settled it, or when the hub's log has it, which a failure of power "
        "may undo.",
        "accepted"},
       sha256_key(),
       isolation_key(),
       process_memory_max_key(),
       user_key(),
       timeout_key(
           "A call of the plugin that takes longer counts as a crash. Without it, for ever."),
       {"retry", "MAP", "", "How long a plugin waits before it is opened again.",
        "{ backoff: { max: 1m } }"},
       {"framing", "MAP", "", "How messages lie in the FIFO, and how large they may be.",
        "{ max_message_size: 1MiB }"},
       {"log", "MAP", "", "How much may wait.", "{ max_size: 4MiB }"},
       {"rate_limit", "MAP", "", "How many messages a second are read of it, at most.",
        "{ per_second: 1000, burst: 100 }"},
       {.name = "match_max",
        .value = "SIZE",
        .fallback = "the hub's",
        .summary = "As the hub's, for this source.",
        .example = "4MiB",
        .least = "1B",
        .most = size_text(kMatchMaxMost)}},
      {},
      false,
      {"fifo", "plugin"}};
}

KeyMap framing() {
  return {"sources.NAME.framing",
          "",
          {{"type", "length_prefixed", "length_prefixed",
            "Of a FIFO: a frame is the payload's length, 4 bytes, little endian, then the payload. "
            "Other framings are for later versions.",
            "length_prefixed"},
           {.name = "max_message_size",
            .value = "SIZE",
            .fallback = size_text(kMessageSizeMaxDefault),
            .summary = "A frame that claims more is a mistake of its writer: what that wrote is "
                       "dropped and counted until it closes the FIFO. A plugin is told that its "
                       "message is too large.",
            .example = "1MiB",
            .least = "1B",
            .most = size_text(kMessageSizeMaxMost)},
           {"length_bytes", "4", "4", "Of a FIFO: the bytes of the length.", "4"},
           {"byte_order", "little", "little", "Of a FIFO: the order of the bytes of the length.",
            "little"},
           {.name = "delimiter",
            .value = "TEXT",
            .fallback = "",
            .summary = "For a framing of later versions.",
            .effect = Effect::later}}};
}

KeyMap log() {
  return {"sources.NAME.log",
          "",
          {{.name = "max_size",
            .value = "SIZE",
            .fallback = size_text(kLogSizeDefault),
            .summary = "How much of the source waits in memory, within memory_max.",
            .example = "4MiB",
            .least = size_text(kLogSizeLeast),
            .most = size_text(kLogSizeMost)},
           {"when_full", "block", "block",
            "Nothing is read from the FIFO, and no plugin asked, until there is room; so writers "
            "wait.",
            "block"}}};
}

KeyMap rate_limit() {
  return {"sources.NAME.rate_limit",
          "What is over the limit is left in the FIFO, so that its writers wait when that is full.",
          {{.name = "per_second",
            .value = "NUMBER",
            .fallback = "",
            .summary = "So many messages a second, in the mean.",
            .example = "1000",
            .least = "1",
            .most = "1000000000",
            .required = true},
           {.name = "burst",
            .value = "NUMBER",
            .fallback = "as per_second",
            .summary =
                "So many may come at once, after a pause; what the last read brings comes on top.",
            .example = "100",
            .least = "1",
            .most = "1000000000"}}};
}

KeyMap source_retry() {
  return {"sources.NAME.retry",
          "",
          {{"backoff", "MAP", "",
            "The waits before a plugin that has failed, or lost its connection, is opened again, "
            "each up to a quarter shorter by chance.",
            "{ initial: 1s, max: 1m }"}}};
}

}  // namespace

std::vector<KeyMap> source_keys() {
  return {source(),     framing(),      log(),
          rate_limit(), source_retry(), backoff_keys("sources.NAME.retry.backoff")};
}

}  // namespace standpipe::config
