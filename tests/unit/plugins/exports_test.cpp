// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstdio>
#include <string>

#include "kit.h"
#include "places.h"

namespace {

std::string output_of(const std::string& command) {
  std::string out;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe);
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) out += static_cast<char>(c);
  REQUIRE(::pclose(pipe) == 0);
  return out;
}

}  // namespace

TEST_CASE("a plugin exports one symbol and wants nothing from the hub") {
  const std::string name = GENERATE("print", "log", "forward", "filter", "transform", "count",
                                    "throttle", "generate", "replay", "reply", "exec");
  const std::string file = "'" + places::plugins() + "/" + name + ".so'";
  CHECK(output_of("nm -D --defined-only -f just-symbols " + file) == "standpipe_plugin_v1\n");
  CHECK(output_of("nm -D --undefined-only -f just-symbols " + file).find("standpipe") ==
        std::string::npos);
  CHECK(output_of("readelf -d " + file).find("NODELETE") != std::string::npos);
}

TEST_CASE("a plugin describes itself, and always with the same constant") {
  const std::string name = GENERATE("print", "log", "forward", "filter", "transform", "count",
                                    "throttle", "generate", "replay", "reply", "exec");
  const auto& plugin = kit::load(name);
  CHECK(&plugin == &kit::load(name));
  CHECK(kit::view(plugin.name) == name);
  CHECK(plugin.abi_major == STANDPIPE_ABI_MAJOR);
  CHECK(plugin.summary.size > 10);
  CHECK(plugin.documentation.size > 200);
  for (std::uint32_t i = 0; i < plugin.option_count; ++i) CHECK(plugin.options[i].summary.size > 5);
}
