// SPDX-License-Identifier: Apache-2.0
#include "config/tests.h"

#include <catch2/catch.hpp>

#include "kit.h"

using namespace standpipe;
using namespace std::string_literals;
using config::FailOptions;
using config::Fate;

namespace {

// A hub with one source and two handlers, whose only test has these keys.
config::TestOptions read(const std::string& keys) {
  const ConfigPlugins plugins;
  plugin::Registry registry({plugins.folder().string()});
  const auto loaded = config::load_text(
      "sources: { in: { fifo: in }, more: { fifo: more } }\n"
      "handlers: { a: { plugin: print }, b: { plugin: print } }\n"
      "routes: [{ from: [in, more], to: [a, b] }]\n"
      "tests:\n"
      "  - { " +
          keys + " }\n",
      "/etc/t.yaml", registry);
  INFO(rendered(loaded));
  REQUIRE(loaded.ok());
  REQUIRE(loaded.hub.tests.size() == 1);
  return loaded.hub.tests[0];
}

config::SendOptions sent(const std::string& content) {
  const auto test = read("send: { source: more, " + content + " }, expect: { a: 1 }");
  REQUIRE(test.sends.size() == 1);
  CHECK(test.sends[0].source == 1);
  return test.sends[0];
}

}  // namespace

TEST_CASE("a message is text, hex, base64, JSON or a file") {
  CHECK(sent("text: hello").bytes == "hello");
  CHECK(sent("text: \"\"").bytes.empty());
  CHECK(sent("hex: 00 ff").bytes == "\0\xff"s);
  CHECK(sent("base64: aGVsbG8=").bytes == "hello");
  CHECK(sent("file: hello.bin").file == "/etc/hello.bin");
  CHECK(sent("json: { b: [1, x, null, 1.50, true], \"a\\n\": { \"1\": \"1\" } }").bytes ==
        R"({"b":[1,"x",null,1.50,true],"a\n":{"1":"1"}})");
  CHECK_FALSE(sent("text: hello").raw);
}

TEST_CASE("raw bytes are given in the same ways") {
  CHECK(sent("raw: hello").raw);
  CHECK(sent("raw: hello").bytes == "hello");
  CHECK(sent("raw: { hex: 05000000 }").bytes == "\5\0\0\0"s);
  CHECK(sent("raw: { file: x }").file == "/etc/x");
}

TEST_CASE("several messages are a list, each with what its source knows of it") {
  const auto test = read(
      "send: [{ source: in, text: x, meta: { topic: t, key: k } }, { source: more, text: y }], "
      "expect: { a: 2 }");
  REQUIRE(test.sends.size() == 2);
  CHECK(test.sends[0].meta ==
        std::vector<std::pair<std::string, std::string>>{{"topic", "t"}, {"key", "k"}});
  CHECK(test.sends[1].source == 1);
}

TEST_CASE("what is expected is a count, or a count and payloads, of a handler or a fate") {
  const auto test = read(
      "name: n, send: { source: in, text: x }, expect: { a: 2, b: { count: 3, prefix: p }, "
      "unmatched: 4, bad_frame: 1 }");
  CHECK(test.name == "n");
  CHECK(test.place == "/etc/t.yaml:5:13");
  REQUIRE(test.expects.size() == 4);
  CHECK(test.expects[0].handler == 0);
  CHECK(test.expects[0].count == 2);
  CHECK(test.expects[1].handler == 1);
  CHECK(test.expects[1].count == 3);
  REQUIRE(test.expects[1].payloads.size() == 1);
  CHECK(test.expects[1].payloads[0].prefix == "p");
  CHECK_FALSE(test.expects[1].in_order);
  CHECK(test.expects[2].fate == Fate::unmatched);
  CHECK(test.expects[3].fate == Fate::bad_frame);
}

TEST_CASE("payloads in a list are those of the messages, one after the other") {
  const auto test = read(
      "send: { source: in, text: x }, expect: { a: { payload: [x, y], json: [{ k: 1 }, 2] } }");
  const auto& expect = test.expects[0];
  CHECK(expect.in_order);
  REQUIRE(expect.payloads.size() == 2);
  CHECK(expect.payloads[1].payload == "y");
  CHECK(expect.payloads[0].json.size() == 2);  // that it is an object, and its value
  CHECK(expect.payloads[0].json[1].pointer == "/k");
  CHECK(expect.payloads[0].json[1].text == "1");
  CHECK(expect.payloads[1].json[0].pointer.empty());
}

TEST_CASE("handlers fail with a retry or a rejection") {
  const auto test = read(
      "send: { source: in, text: x }, fail: [{ handler: a, with: retry }, { handler: b, with: "
      "reject }], expect: { dead_letter: 2 }");
  REQUIRE(test.fails.size() == 2);
  CHECK(test.fails[0].with == FailOptions::With::retry);
  CHECK(test.fails[1].handler == 1);
}
