// SPDX-License-Identifier: Apache-2.0
#include "config/key_sections.h"

namespace standpipe::config {
namespace {

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

}  // namespace

std::vector<KeyMap> route_keys() {
  return {route(), match(), match_text(), match_json(), match_meta(), match_size()};
}

}  // namespace standpipe::config
