// SPDX-License-Identifier: Apache-2.0
#include "config/schema.h"

#include <catch2/catch.hpp>

#include "config/keys.h"
#include "kit.h"

using namespace standpipe;

// What it accepts and refuses is tried by tests/e2e/schema_test.py, with a validator.

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the schema has every declared key but those of later versions") {
  const auto text = config::schema({});
  for (const auto& map : config::key_maps())
    for (const auto& key : map.keys) {
      INFO(map.path << ' ' << key.name);
      const bool later = key.effect == config::Effect::later;
      if (!later || key.name == "delimiter")
        CHECK(has(text, '"' + std::string(key.name) + "\": {") == !later);
    }
}

TEST_CASE("the schema has every option that a plugin declares, and a secret's file") {
  const ConfigPlugins folder;
  plugin::Registry plugins({folder.folder().string()});
  std::vector<const plugin::Plugin*> all;
  plugin::Refused refused;
  for (const auto& name : plugins.names()) all.push_back(plugins.find(name, refused));
  const auto text = config::schema(all);
  CHECK(
      has(text, R"({"enum": ["every_option", "forward", "log", "print", "speaking", "two_way"]})"));
  CHECK(has(text, R"({"enum": ["bringing", "two_way"]})"));  // of sources
  for (const auto* plugin : all) {
    CHECK(has(text, "{\"const\": \"" + plugin->name + "\"}"));
    if (plugin->name != "two_way") CHECK(has(text, "\"plugin." + plugin->name + "\": {"));
    for (const auto& option : plugin->options) {
      INFO(plugin->name << ' ' << option.name);
      CHECK(has(text, '"' + option.name + "\": {"));
      CHECK(has(text, '"' + option.name + "_file\": {") == (option.type == STANDPIPE_SECRET));
    }
  }
  const auto part = [&](const std::string& begin) {
    const auto at = text.find(begin);
    return text.substr(at, text.find("\"plugin.", at + 1) - at);
  };
  const auto handler = part("\"plugin.two_way.handler\": {");
  const auto source = part("\"plugin.two_way.source\": {");
  CHECK((has(handler, "\"window\": {") && !has(handler, "\"prefetch\": {")));
  CHECK((has(source, "\"prefetch\": {") && !has(source, "\"window\"")));
}
