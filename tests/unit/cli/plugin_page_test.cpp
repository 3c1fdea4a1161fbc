// SPDX-License-Identifier: Apache-2.0
#include "cli/plugin_page.h"

#include <catch2/catch.hpp>

using namespace standpipe;
using namespace standpipe::cli;

namespace {

plugin::Plugin shout() {
  plugin::Plugin p;
  p.name = "shout";
  p.version = "1.2";
  p.summary = "says it \x1b[1mloudly";
  p.documentation = "First \\n line.\n\nThird.";
  p.path = "/lib/shout.so";
  p.options = {
      {.type = STANDPIPE_PATH,
       .required = true,
       .name = "file",
       .summary = "where to",
       .example = "/tmp/x"},
      {.type = STANDPIPE_STRING, .name = "mode", .summary = "permissions", .fallback = "0640"},
      {.type = STANDPIPE_INTEGER,
       .name = "keep",
       .fallback = "5",
       .minimum = "0",
       .maximum = "9",
       .unit = "files"},
      {.type = STANDPIPE_ENUM, .name = "sync", .choices = {"never", "always"}}};
  return p;
}

}  // namespace

TEST_CASE("a plugin's page has all that it declares, and a handler to start from") {
  CHECK(plugin_page(shout()) ==
        "shout 1.2 (-): says it \\x1b[1mloudly\n"
        "/lib/shout.so\n"
        "\n"
        "First \\n line.\n"
        "\n"
        "Third.\n"
        "\n"
        "Options:\n"
        "  file  (path, required)\n"
        "      where to\n"
        "      e.g. file: /tmp/x\n"
        "  mode  (string, default \"0640\")\n"
        "      permissions\n"
        "  keep  (integer, 0 to 9 files, default 5)\n"
        "  sync  (one of never, always)\n"
        "\n"
        "In a configuration:\n"
        "  handlers:\n"
        "    my_shout:\n"
        "      plugin: shout\n"
        "      options:\n"
        "        file: /tmp/x\n"
        "        # mode: \"0640\"\n"
        "        # keep: 5\n"
        "        # sync: never\n");
}

TEST_CASE("a sample is a whole configuration, with each option explained") {
  const auto yaml = plugin_yaml(shout());
  CHECK(yaml.starts_with(
      "# shout 1.2: says it \\x1b[1mloudly\n"
      "# Correct what is required, remove \"# \" before what you change, and then: standpipe check "
      "FILE\nsources:\n  in:\n    fifo: /tmp/my_shout-in\n\nhandlers:\n  my_shout:\n"));
  CHECK(
      yaml.ends_with("    plugin: shout\n"
                     "    options:\n"
                     "      file: /tmp/x   # path, required: where to\n"
                     "      # mode: \"0640\"   # string, default \"0640\": permissions\n"
                     "      # keep: 5   # integer, 0 to 9 files, default 5\n"
                     "      # sync: never   # one of never, always\n"
                     "\nroutes:\n  - from: in\n    to: my_shout\n"));
}

TEST_CASE("a plugin without options that must be given needs no options") {
  auto p = shout();
  p.options.erase(p.options.begin());
  CHECK(example_yaml(p) ==
        "handlers:\n  my_shout:\n    plugin: shout\n    # options:\n    #   mode: \"0640\"\n    #  "
        " keep: 5\n    #   sync: never\n");
  p.options.clear();
  CHECK(example_yaml(p) == "handlers:\n  my_shout:\n    plugin: shout\n");
}

TEST_CASE("a page says which of source and handler a plugin offers, and shows how to use it") {
  const standpipe_handler handler{};
  const standpipe_source source{};
  standpipe_plugin abi{};
  abi.size = sizeof abi;
  auto p = shout();
  p.abi = &abi;
  const auto shows = [&](const std::string& text) {
    return plugin_page(p).find(text) != std::string::npos;
  };
  CHECK(plugin_kind(p) == "-");
  abi.source = &source;
  CHECK(plugin_kind(p) == "source");
  CHECK(shows("In a configuration:\n  sources:\n    my_shout:\n      plugin: shout\n"));
  CHECK(plugin_yaml(p).ends_with(
      "\nhandlers:\n  screen:\n    plugin: print\n\nroutes:\n  - from: my_shout\n    to: "
      "screen\n"));
  abi.handler = &handler;
  CHECK(plugin_kind(p) == "source, handler");
  CHECK(shows("In a configuration:\n  handlers:\n    my_shout:\n"));
  CHECK(shows("It is a source, too: name it under `sources`"));
  CHECK(plugin_page(p).find("shout 1.2 (source, handler): ") == 0);
  abi.size = offsetof(standpipe_plugin, source);  // of minor 0
  CHECK(plugin_kind(p) == "handler");
}

TEST_CASE("an option of one alone says so, and stands in that one's sample") {
  const standpipe_handler handler{};
  const standpipe_source source{};
  standpipe_plugin abi{};
  abi.size = sizeof abi;
  abi.handler = &handler;
  abi.source = &source;
  auto p = shout();
  p.abi = &abi;
  p.options[0].of_handler = false;
  p.options[1].of_source = false;
  const auto page = plugin_page(p);
  CHECK(page.find("  file  (path, required, of the source only)\n") != std::string::npos);
  CHECK(page.find("  mode  (string, default \"0640\", of the handler only)\n") !=
        std::string::npos);
  CHECK(example_yaml(p).find("file: ") == std::string::npos);
  CHECK(example_yaml(p).find("#   mode: ") != std::string::npos);
  CHECK(plugin_json(p).find("\"of\":\"source\"") != std::string::npos);
  abi.handler = nullptr;
  CHECK(example_yaml(p).find("        file: /tmp/x\n") == std::string::npos);
  CHECK(example_yaml(p).find("file: /tmp/x\n") != std::string::npos);
  CHECK(example_yaml(p).find("mode: ") == std::string::npos);
}

TEST_CASE("programs get the same as JSON") {
  auto p = shout();
  p.options.resize(1);
  CHECK(
      plugin_json(p) ==
      "{\"name\":\"shout\",\"version\":\"1.2\",\"kind\":\"-\",\"summary\":\"says it "
      "\\u001b[1mloudly\",\"path\":\"/lib/shout.so\","
      "\"documentation\":\"First \\\\n "
      "line.\\n\\nThird.\",\"options\":[{\"name\":\"file\",\"type\":\"path\",\"required\":true,"
      "\"of\":null,\"default\":null,\"minimum\":null,\"maximum\":null,\"unit\":null,\"choices\":[],"
      "\"summary\":\"where to\",\"example\":"
      "\"/tmp/x\"}]}\n");
}
