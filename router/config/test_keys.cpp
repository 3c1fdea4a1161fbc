// SPDX-License-Identifier: Apache-2.0
#include "config/key_sections.h"

namespace standpipe::config {
namespace {

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
          "`dead_letter`, `dropped` (failed for good, with `dead_letter: false`), `waiting` (tried "
          "again "
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

std::vector<KeyMap> test_keys() {
  return {test(), test_send(), test_raw(), test_fail(), test_expect()};
}

}  // namespace standpipe::config
