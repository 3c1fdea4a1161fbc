// SPDX-License-Identifier: Apache-2.0
#include "config/keys.h"

#include "base/limits.h"
#include "base/text.h"
#include "config/hub.h"
#include "deliver/options.h"

namespace standpipe::config {
namespace {

KeyMap whole_file() {
  return {"",
          "A configuration has sources, handlers, and routes between them.",
          {{"version", "1", "1", "The version of this format."},
           {"data_dir", "PATH", "",
            "The folder for what must survive the hub: spilled messages and dead letters. One hub at "
            "a time has it. By default it is `STEM-HASH`, by the configuration's name and place, in "
            "`$STATE_DIRECTORY` (a service), `/var/lib/standpipe` (root) or "
            "`~/.local/state/standpipe`."},
           {"memory_max", "SIZE", size_text(kMemoryMaxDefault), "The memory of all messages that wait in the hub."},
           {"drain_timeout", "DURATION", duration_text(Hub().drain_timeout),
            "How long a stopping hub goes on delivering; what is left is saved in data_dir and comes "
            "first at the next start."},
           {"sources", "MAP", "", "Where messages come in. The names are yours."},
           {"handlers", "MAP", "", "What is done with messages. The names are yours."},
           {"routes", "LIST", "", "Which messages of which sources go to which handlers."},
           {"unmatched", "drop | HANDLER", "drop, with a warning",
            "What becomes of messages that no route wants. To say `drop` leaves out the warning."}}};
}

KeyMap source() {
  return {"sources.NAME",
          "A FIFO that programs write frames into.",
          {{"fifo", "PATH", "", "The FIFO. It is created when it is missing."},
           {"mode", "\"OCTAL\"", "\"0600\"", "The permissions of a FIFO that is created, in quotes."},
           {"owner", "USER", "", "The owner of a FIFO that is created."},
           {"group", "GROUP", "", "The group of a FIFO that is created."},
           {"trust", "self | others", "self",
            "With `others`, the path is used even where other users could have put something in "
            "its place."},
           {"framing", "MAP", "", "How messages lie in the FIFO."},
           {"log", "MAP", "", "How much may wait."}}};
}

KeyMap framing() {
  return {"sources.NAME.framing",
          "",
          {{"type", "length_prefixed", "length_prefixed",
            "A frame is the payload's length, 4 bytes, little endian, then the payload. Other "
            "framings are for later versions."},
           {"max_message_size", "SIZE", size_text(kMessageSizeMaxDefault),
            "A frame that claims more is a mistake of its writer: what that wrote is dropped and "
            "counted until it closes the FIFO."},
           {"length_bytes", "4", "4", "The bytes of the length."},
           {"byte_order", "little", "little", "The order of the bytes of the length."},
           {"delimiter", "TEXT", "", "For a framing of later versions."}}};
}

KeyMap log() {
  return {"sources.NAME.log",
          "",
          {{"max_size", "SIZE", size_text(kLogSizeDefault), "How much of the source waits in memory, within memory_max."},
           {"when_full", "block", "block", "Nothing is read from the FIFO until there is room, so its writers wait."},
           {"overflow_max", "SIZE", size_text(kOverflowMaxDefault),
            "How much of what waits for held handlers may go to the disk when the log is full, so that the source's other "
            "handlers go on. The next start delivers it. 0B: nothing does."}}};
}

KeyMap handler() {
  return {"handlers.NAME",
          "An instance of a plugin.",
          {{"plugin", "NAME | PATH", "", "The plugin: a name, or a path when there is a slash in it."},
           {"options", "MAP", "", "The plugin's own: see PLUGINS, and `standpipe plugin show NAME`."},
           {"isolation", "inline | thread", "as the plugin wants", "Where it runs: on the hub's loop, or in a thread of its own."},
           {"timeout", "DURATION", "none", "A call that takes longer counts as a crash. Without it a call may take for ever."},
           {"retry", "MAP", "", "How often, and after what wait, a message is tried again."},
           {"queue", "MAP", "", "Where messages wait beyond the source's log."},
           {"dead_letter", "BOOLEAN", "false", "For later versions."}}};
}

KeyMap retry() {
  const deliver::HandlerOptions defaults{.name = {}, .values = {}};
  return {
      "handlers.NAME.retry",
      "",
      {{"max_attempts", "NUMBER", std::to_string(defaults.attempts_max), "After so many failures a message is given up. 0: never."},
       {"backoff", "MAP", "", "The waits between attempts."}}};
}

KeyMap backoff() {
  const deliver::HandlerOptions defaults{.name = {}, .values = {}};
  return {"handlers.NAME.retry.backoff",
          "Each wait is twice as long as the one before.",
          {{"initial", "DURATION", duration_text(defaults.backoff_initial), "The first wait."},
           {"max", "DURATION", duration_text(defaults.backoff_max), "The longest wait."}}};
}

KeyMap queue() {
  return {"handlers.NAME.queue",
          "",
          {{"type", "none", "none", "Queues in memory and on disk are for later versions."},
           {"max_size", "SIZE", "", "For queues of later versions."},
           {"when_full", "block", "", "For queues of later versions."}}};
}

KeyMap route() {
  return {"routes[]",
          "A message goes to every route that matches, and to each handler at most once.",
          {{"name", "TEXT", "its number", "How messages of the hub call the route."},
           {"from", "SOURCE | LIST", "", "Whose messages it takes."},
           {"match", "MAP", "all", "Which of them."},
           {"to", "HANDLER | LIST", "", "Who gets them."},
           {"final", "BOOLEAN", "false", "What this route took, later routes do not get."}}};
}

KeyMap match() {
  return {"routes[].match",
          "All conditions that are given must hold.",
          {{"text", "MAP", "", "A condition on the payload."},
           {"size", "MAP", "", "A condition on the payload's size."},
           {"all", "LIST", "", "Each of these maps matches."},
           {"any", "LIST", "", "One of these maps matches."},
           {"not", "MAP", "", "This map does not match."}}};
}

KeyMap match_text() {
  return {"routes[].match.text",
          "",
          {{"equals", "TEXT", "", "The payload is this."},
           {"prefix", "TEXT", "", "The payload begins with this."},
           {"suffix", "TEXT", "", "The payload ends in this."},
           {"contains", "TEXT", "", "The payload has this in it."}}};
}

KeyMap match_size() {
  return {"routes[].match.size",
          "In bytes; a unit may be left out.",
          {{"gt", "SIZE", "", "Greater than."},
           {"gte", "SIZE", "", "At least."},
           {"lt", "SIZE", "", "Less than."},
           {"lte", "SIZE", "", "At most."}}};
}

}  // namespace

std::vector<KeyMap> key_maps() {
  return {whole_file(), source(), framing(), log(),   handler(),    retry(),
          backoff(),    queue(),  route(),   match(), match_text(), match_size()};
}

}  // namespace standpipe::config
