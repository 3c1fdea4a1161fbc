// SPDX-License-Identifier: Apache-2.0
#include "config/json_document.h"

#include <catch2/catch.hpp>

using standpipe::config::JsonDocument;

TEST_CASE("what is short stands on one line, in the order in which it was added") {
  auto document = JsonDocument::object();
  document.set(
      "b",
      JsonDocument::list().add(JsonDocument::literal("1")).add(JsonDocument::text("a \"quote\"")));
  document.set("a", JsonDocument::object());
  CHECK(document.written() == R"({"b": [1, "a \"quote\""], "a": {}})");
}

TEST_CASE("what is long stands on lines of its own, two spaces a level") {
  const std::string word(60, 'x');
  auto list = JsonDocument::list();
  list.add(JsonDocument::text(word)).add(JsonDocument::text(word));
  auto document = JsonDocument::object();
  document.set("list", list).set("no", JsonDocument::literal("false"));
  CHECK(document.written() ==
        "{\n  \"list\": [\n    \"" + word + "\",\n    \"" + word + "\"\n  ],\n  \"no\": false\n}");
}
