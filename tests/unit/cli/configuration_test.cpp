// SPDX-License-Identifier: Apache-2.0
#include "cli/configuration.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>
#include <vector>

#include "cli/command.h"
#include "deliver/unmatched_letters.h"

using namespace standpipe;
using namespace standpipe::cli;

TEST_CASE("folders that a person names come before the environment's, and those before ours") {
  const Command row{.name = "check",
                    .summary = {},
                    .examples = {},
                    .description = {},
                    .operands = {},
                    .options = {plugins_option()},
                    .run = nullptr};
  ::setenv("STANDPIPE_PLUGIN_PATH", "/env/one:/env/two", 1);
  const std::vector<std::string> words{"--plugins", "/first", "-p", "/second"};
  const auto folders = plugin_folders(Arguments(row, words));
  ::unsetenv("STANDPIPE_PLUGIN_PATH");
  REQUIRE(folders.size() > 4);
  const std::vector<std::string> expected{"/first", "/second", "/env/one", "/env/two"};
  CHECK(std::equal(expected.begin(), expected.end(), folders.begin()));
}

TEST_CASE("the inventory counts what a person wrote, and neither the hub's own nor emitters") {
  config::HubOptions hub;
  hub.sources.resize(2);
  hub.sources[1].origin = source::Origin::handler;
  deliver::HandlerOptions handler;
  handler.name = "it";
  hub.handlers = {handler, deliver::unmatched_letters()};
  hub.routes.resize(2);
  CHECK(inventory(hub) == "1 source, 1 handler, 2 routes");
}
