// SPDX-License-Identifier: Apache-2.0
#include "config/keys.h"

#include "base/limits.h"
#include "base/text.h"
#include "config/hub_options.h"
#include "deliver/options.h"

namespace standpipe::config {
namespace {

constexpr std::string_view kDigestExample =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

KeyMap whole_file() {
  return {
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
        .effect = Effect::start},
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
        .most = "1d"},
       {"dead_letters", "MAP", "", "How many dead letters are kept.",
        "{ max_size: 1GiB, max_age: 30d }"},
       {"plugin_path", "PATH | LIST", "",
        "Folders where plugins are looked for: after `--plugins` and `$STANDPIPE_PLUGIN_PATH`, "
        "before those that came with the program. Where root runs the hub, a plugin is refused "
        "whose file or folder others can write to, unless it is pinned by sha256.",
        "[/opt/standpipe/plugins, plugins]"},
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
        "[{ send: { source: orders, text: hello }, expect: { screen: 1 } }]"}}};
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
            .summary = "So many may come at once, after a pause.",
            .example = "100",
            .least = "1",
            .most = "1000000000"}}};
}

// What handlers and source plugins have in common.
Key sha256() {
  return {"sha256", "TEXT", "",
          "Pins the plugin's file: it is loaded only if its content has this SHA-256, 64 "
          "hexadecimal digits as `sha256sum` prints them. The file is copied into memory and the "
          "copy is loaded, so a plugin that is pinned finds no libraries beside itself.",
          kDigestExample};
}

Key isolation() {
  return {"isolation", "inline | thread | process", "as the plugin wants",
          "Where it runs: on the hub's loop, in a thread of its own, or in a process of its own, "
          "whose crash or hang touches nothing else.",
          "process"};
}

Key process_memory_max() {
  return {.name = "memory_max",
          .value = "SIZE",
          .fallback = "none",
          .summary =
              "Of a plugin in a process: how much data it may have. Messages are not "
              "counted.",
          .example = "256MiB",
          .least = size_text(kHandlerMemoryLeast),
          .most = size_text(kHandlerMemoryMost)};
}

Key user() {
  return {"user", "TEXT", "the hub's",
          "Of a plugin in a process: whom it runs as, if root runs the hub.", "nobody"};
}

Key timeout(std::string_view summary) {
  return {.name = "timeout",
          .value = "DURATION",
          .fallback = "none",
          .summary = summary,
          .example = "30s",
          .least = "100ms",
          .most = "1d"};
}

KeyMap backoff(std::string_view path) {
  const deliver::HandlerOptions defaults{.name = {}, .values = {}};
  return {path,
          "Each wait is twice as long as the one before.",
          {{.name = "initial",
            .value = "DURATION",
            .fallback = duration_text(defaults.backoff_initial),
            .summary = "The first wait.",
            .example = "1s",
            .least = "1ms",
            .most = "1d"},
           {.name = "max",
            .value = "DURATION",
            .fallback = duration_text(defaults.backoff_max),
            .summary = "The longest wait.",
            .example = "5m",
            .least = "1ms",
            .most = "1d"}}};
}

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
       sha256(),
       isolation(),
       process_memory_max(),
       user(),
       timeout("A call of the plugin that takes longer counts as a crash. Without it, for ever."),
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

KeyMap source_retry() {
  return {"sources.NAME.retry",
          "",
          {{"backoff", "MAP", "",
            "The waits before a plugin that has failed, or lost its connection, is opened again, "
            "each up to a quarter shorter by chance.",
            "{ initial: 1s, max: 1m }"}}};
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
       sha256(),
       {"options", "MAP", "", "The plugin's own: see PLUGINS, and `standpipe plugin show NAME`.",
        "{ format: hex }"},
       isolation(),
       process_memory_max(),
       user(),
       timeout("A call that takes longer counts as a crash; a message that the plugin settles "
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
        .summary = "The same in messages.",
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

KeyMap route() {
  return {
      "routes[]",
      "A message goes to every route that matches, and to each handler at most once.",
      {{"name", "TEXT", "its number", "How messages of the hub call the route.", "big orders"},
       {.name = "from",
        .value = "SOURCE | HANDLER | LIST",
        .fallback = "",
        .summary = "Whose messages it takes: those that come in at a source, or that a handler "
                   "emits. Handlers must not emit in a cycle.",
        .example = "orders",
        .least = "1",
        .required = true},
       {"match", "MAP", "all", "Which of them.", "{ text: { prefix: ping } }"},
       {.name = "to",
        .value = "HANDLER | LIST",
        .fallback = "",
        .summary = "Who gets them.",
        .example = "[screen]",
        .least = "1",
        .required = true},
       {"final", "BOOLEAN", "false", "What this route took, later routes do not get.", "true"}}};
}

KeyMap match() {
  return {"routes[].match",
          "All conditions that are given must hold.",
          {{.name = "text",
            .value = "MAP",
            .fallback = "",
            .summary = "Conditions on the payload as bytes.",
            .example = "{ prefix: ping }",
            .least = "1"},
           {.name = "json",
            .value = "MAP",
            .fallback = "",
            .summary = "Conditions on the payload as a JSON document. A payload that is broken "
                       "anywhere, or nested deeper than 1,024, is none.",
            .example = "{ /type: order, /amount: { gte: 1000 } }",
            .least = "1"},
           {.name = "meta",
            .value = "MAP",
            .fallback = "",
            .summary = "Conditions on what the source knows of the message: of a FIFO its path, as "
                       "`fifo`.",
            .example = "{ fifo: { prefix: /run/app/ } }",
            .least = "1"},
           {.name = "size",
            .value = "MAP",
            .fallback = "",
            .summary = "Conditions on the payload's size.",
            .example = "{ gte: 1KiB }",
            .least = "1"},
           {.name = "all",
            .value = "LIST",
            .fallback = "",
            .summary = "Each of these maps matches.",
            .example = "[{ text: { prefix: a } }, { size: { lt: 10 } }]",
            .least = "1",
            .shape = "routes[].match"},
           {.name = "any",
            .value = "LIST",
            .fallback = "",
            .summary = "One of these maps matches.",
            .example = "[{ text: { prefix: a } }, { size: { lt: 10 } }]",
            .least = "1",
            .shape = "routes[].match"},
           {.name = "not",
            .value = "MAP",
            .fallback = "",
            .summary =
                "This map does not match. A payload that could not be looked into, because it is "
                "no JSON or above `match_max`, matches neither a condition on it nor its `not`: "
                "`unmatched` is for those.",
            .example = "{ text: { equals: ping } }",
            .least = "1",
            .shape = "routes[].match"}}};
}

constexpr const char* kRegexSummary =
    "The pattern, in RE2's syntax, matches anywhere in the payload; `^` and `$` are its ends. Its "
    "time grows with the payload's size only, at some nanoseconds a byte. Bytes that are not UTF-8 "
    "match `\\C` alone. A pattern that leaves more than 8 choices open (classes, repetitions and "
    "alternatives, each as often as it is repeated), such as `a[ab]{200}c`, may take a thousand "
    "times as long for payloads that are made for it. So all such patterns of a source together "
    "may take 33,554,432 steps for a message, about half a second; `a[ab]{200}c` takes 206 a byte. "
    "On longer texts they are not tried: the condition and its `not` do not match, which is "
    "counted as `too_long_for_patterns`; `check` says how long a text may be. A configuration may "
    "have 1,000 patterns, which take 240 MiB at most, and another 64 MiB to be tried together.";

KeyMap match_text() {
  return {"routes[].match.text",
          "",
          {{"equals", "TEXT", "", "The payload is this.", "ping"},
           {"prefix", "TEXT", "", "The payload begins with this.", "\"alarm: \""},
           {"suffix", "TEXT", "", "The payload ends in this.", ".json"},
           {"contains", "TEXT", "", "The payload has this in it.", "error"},
           {"regex", "PATTERN", "", kRegexSummary, "\"^[a-z]+$\""}}};
}

KeyMap match_json() {
  return {
      "routes[].match.json.POINTER",
      "POINTER leads to a value as in RFC 6901: `/lines/0/price`; in names, `~1` stands for a "
      "slash and `~0` for `~`. A value alone instead of this map is `eq`. Values are as in JSON: "
      "`5` is a number and `\"5\"` is text. Integers are compared exactly, however large, and "
      "1 is 1.0; numbers with a fraction or an exponent are doubles. Text is compared by its "
      "bytes, after unescaping. Of "
      "duplicate keys the last one counts. Where there is no value, nothing but `exists: false` "
      "matches.",
      {{"eq", "SCALAR", "", "It is this.", "order"},
       {"ne", "SCALAR", "", "There is a value, and it is not this.", "null"},
       {"gt", "NUMBER | TEXT", "", "Greater than. Numbers are compared with numbers only.", "0.5"},
       {"gte", "NUMBER | TEXT", "", "At least.", "1000"},
       {"lt", "NUMBER | TEXT", "", "Less than.", "1000"},
       {"lte", "NUMBER | TEXT", "", "At most.", "1000"},
       {"in", "VALUES", "", "It is one of these.", "[order, invoice, 5]", "1"},
       {"regex", "PATTERN", "", "It is text, and the pattern matches in it.", "\"^ord\""},
       {"exists", "BOOLEAN", "", "Whether there is a value; null is one.", "true"}},
      "SCALAR",
      true};
}

KeyMap match_meta() {
  return {
      "routes[].match.meta.NAME",
      "TEXT alone instead of this map is `equals`. If a message has several values of one name, "
      "one of them must match.",
      {{"equals", "TEXT", "", "It is this.", "/run/standpipe/orders"},
       {"prefix", "TEXT", "", "It begins with this.", "/run/app/"},
       {"suffix", "TEXT", "", "It ends in this.", ".fifo"},
       {"contains", "TEXT", "", "It has this in it.", "app"},
       {"regex", "PATTERN", "", "The pattern matches in it.", "\"[0-9]$\""},
       {"exists", "BOOLEAN", "", "Whether there is one.", "true"}},
      "TEXT",
      true};
}

KeyMap match_size() {
  return {"routes[].match.size",
          "In bytes; a unit may be left out.",
          {{"gt", "BYTES", "", "Greater than.", "100"},
           {"gte", "BYTES", "", "At least.", "1KiB"},
           {"lt", "BYTES", "", "Less than.", "1MiB"},
           {"lte", "BYTES", "", "At most.", "4096"}}};
}

KeyMap test() {
  return {
      "tests[]",
      "`standpipe test` sends these messages to the routes alone: no FIFO is made, and no handler "
      "called.",
      {{"name", "TEXT", "its number", "How reports call the test.", "a big order"},
       {.name = "send",
        .value = "MAP | LIST",
        .fallback = "",
        .summary = "What comes in, in this order.",
        .example = "[{ source: orders, text: hello }]",
        .least = "1",
        .required = true},
       {"fail", "MAP | LIST", "", "Handlers that fail, and how.",
        "{ handler: screen, with: reject }"},
       {.name = "expect",
        .value = "MAP",
        .fallback = "",
        .summary = "What should come of it. What is not named may be anything, but faults must "
                   "be named.",
        .example = "{ screen: 1, unmatched: 0 }",
        .least = "1",
        .required = true}}};
}

KeyMap test_send() {
  return {
      "tests[].send",
      "What one writer sends, who then closes the FIFO: a source, and one of the messages.",
      {{.name = "source",
        .value = "SOURCE | HANDLER",
        .fallback = "",
        .summary = "Where it comes in, or the handler that emits it.",
        .example = "orders",
        .required = true},
       {"text", "TEXT", "", "The message.", "hello"},
       {"hex", "TEXT", "", "The message as hexadecimal digits, two a byte.", "\"68 65 6c 6c 6f\""},
       {"base64", "TEXT", "", "The message in base64.", "aGVsbG8="},
       {"json", "VALUE", "", "The message as a JSON document, written as YAML.",
        "{ type: order, amount: 5000 }"},
       {"file", "PATH", "", "A file that is the message; at most 64MiB.", "order.json"},
       {"raw", "TEXT | MAP", "", "Bytes as they lie in a FIFO, with whatever frames are in them.",
        "{ hex: 05000000 68656c6c6f }"},
       {"meta", "MAP", "", "What the source knows of the message, by name.",
        "{ fifo: /run/standpipe/orders }"}},
      {},
      false,
      {"text", "hex", "base64", "json", "file", "raw"}};
}

KeyMap test_raw() {
  return {"tests[].send.raw",
          "One of these.",
          {{"text", "TEXT", "", "The bytes as text.", "hello"},
           {"hex", "TEXT", "", "The bytes as hexadecimal digits, two each.", "05000000 68656c6c6f"},
           {"base64", "TEXT", "", "The bytes in base64.", "BQAAAGhlbGxv"},
           {"file", "PATH", "", "A file that has the bytes; at most 64MiB.", "captured.bin"}},
          {},
          false,
          {"text", "hex", "base64", "file"}};
}

KeyMap test_fail() {
  return {"tests[].fail",
          "",
          {{.name = "handler",
            .value = "HANDLER",
            .fallback = "",
            .summary = "Which one fails, at each message.",
            .example = "screen",
            .required = true},
           {.name = "with",
            .value = "retry | reject",
            .fallback = "",
            .summary = "What it answers: try again, or never again.",
            .example = "reject",
            .required = true}}};
}

KeyMap test_expect() {
  return {"tests[].expect.NAME",
          "NAME is a handler, which gets so many messages; or `unmatched` (no route wants them), "
          "`dead_letter`, `dropped` (abandoned where `dead_letter: false`), `waiting` (tried again "
          "for ever), or a fault: `bad_frame`, `truncated`. A number alone is `count`.",
          {{.name = "count",
            .value = "NUMBER",
            .fallback = "as many as in a list below; else at least one",
            .summary = "How many.",
            .example = "2",
            .least = "0",
            .most = "1000000000"},
           {"payload", "TEXT | LIST", "", "What each of them is; of a list, one after the other.",
            "hello"},
           {"prefix", "TEXT | LIST", "", "What each begins with; of a list, one after the other.",
            "hell"},
           {"json", "VALUE", "",
            "What each has in it as a JSON document, which may have more; of a list, one after the "
            "other.",
            "{ type: order }"}},
          "NUMBER",
          true};
}

}  // namespace

std::vector<KeyMap> key_maps() {
  return {whole_file(),
          dead_letters(),
          source(),
          framing(),
          log(),
          rate_limit(),
          source_retry(),
          backoff("sources.NAME.retry.backoff"),
          handler(),
          retry(),
          backoff("handlers.NAME.retry.backoff"),
          queue(),
          route(),
          match(),
          match_text(),
          match_json(),
          match_meta(),
          match_size(),
          test(),
          test_send(),
          test_raw(),
          test_fail(),
          test_expect()};
}

}  // namespace standpipe::config
