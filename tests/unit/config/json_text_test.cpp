// SPDX-License-Identifier: Apache-2.0
#include "config/json_text.h"

#include <catch2/catch.hpp>
#include <cstdlib>

#include "kit.h"

using namespace standpipe;
using namespace standpipe::config;

namespace {

// A test that sends that value, and expects it.
TestOptions test_of(const std::string& yaml) {
  const ConfigPlugins plugins;
  plugin::Registry registry({plugins.folder().string()});
  const auto loaded = load_text(
      "sources: { in: { fifo: in } }\n"
      "handlers: { out: { plugin: print } }\n"
      "routes: [{ from: in, to: out }]\n"
      "tests:\n"
      "  - send:\n"
      "      source: in\n"
      "      json: " +
          yaml +
          "\n    expect:\n"
          "      out:\n"
          "        json:\n"
          "          - " +
          yaml + '\n',
      "/etc/t.yaml", registry);
  INFO(rendered(loaded));
  REQUIRE(loaded.ok());
  return loaded.hub.tests.at(0);
}

std::string json(const std::string& yaml) { return test_of(yaml).sends.at(0).bytes; }

}  // namespace

TEST_CASE("YAML becomes the JSON that it looks like") {
  CHECK(json("{ type: order, amount: 5000 }") == R"({"type":"order","amount":5000})");
  CHECK(json("[1, -0.5e3, true, null, ~, [], {}]") == "[1,-0.5e3,true,null,null,[],{}]");
  CHECK(json("[\"1\", 'true', \"\", \"a\\n\\\"\"]") == R"(["1","true","","a\n\""])");
  CHECK(json("text") == "\"text\"");
  CHECK(json("[1x, yes, -a]") == R"(["1x","yes","-a"])");
}

TEST_CASE("variables are replaced, and are what they look like then") {
  ::setenv("STANDPIPE_TEST_N", "7", 1);
  CHECK(json("\"${STANDPIPE_TEST_N}\"") == "\"7\"");
  CHECK(json("${STANDPIPE_TEST_N}") == "7");
  CHECK(json("${STANDPIPE_TEST_UNSET:-true}") == "true");
  CHECK(json("${STANDPIPE_TEST_UNSET:-null}") == "null");
  CHECK(json("${STANDPIPE_TEST_UNSET:-}") == "\"\"");
  CHECK(json("\"${STANDPIPE_TEST_UNSET:-null}\"") == "\"null\"");
}

TEST_CASE("a subset is every scalar, and what the lists and maps around them are") {
  const auto test = test_of("{ a/b: [1, { x~: y }] }");
  const auto& wanted = test.expects.at(0).payloads.at(0).json;
  std::string text;
  for (const auto& each : wanted)
    text += each.pointer +
            (each.kind == JsonWanted::Kind::scalar   ? " = " + each.text
             : each.kind == JsonWanted::Kind::object ? " object"
                                                     : " array of " + std::to_string(each.items)) +
            '\n';
  CHECK(text ==
        " object\n"
        "/a~1b array of 2\n"
        "/a~1b/0 = 1\n"
        "/a~1b/1 object\n"
        "/a~1b/1/x~0 = \"y\"\n");
}
