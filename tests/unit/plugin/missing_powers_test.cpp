// SPDX-License-Identifier: Apache-2.0
#include "plugin/missing_powers.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace standpipe;
using plugin::missing_powers;

namespace {

// What a plugin lacks whose handler, or source, asks for that placement.
std::vector<std::string> lacking(std::uint32_t placement,
                                 plugin::Kind kind = plugin::Kind::handler) {
  standpipe_handler handler{};
  handler.size = sizeof handler;
  standpipe_source source{};
  source.size = sizeof source;
  (kind == plugin::Kind::handler ? handler.placement : source.placement) = placement;
  standpipe_plugin abi{};
  abi.size = sizeof abi;
  abi.handler = &handler;
  abi.source = &source;
  plugin::Plugin plugin;
  plugin.abi = &abi;
  return missing_powers(plugin, kind, false);
}

}  // namespace

TEST_CASE("a handler that asks for nothing new lacks nothing") {
  for (const std::uint32_t placement : {STANDPIPE_INLINE, STANDPIPE_THREAD, STANDPIPE_PROCESS}) {
    CHECK(lacking(placement).empty());
    CHECK(lacking(placement, plugin::Kind::source).empty());
  }
}

TEST_CASE("an unknown placement is named") {
  CHECK(lacking(9, plugin::Kind::source).size() == 1);
  const auto missing = lacking(9);
  REQUIRE(missing.size() == 1);
  CHECK(missing[0] ==
        "its plugin asks for placement 9, which this router does not know: it runs in a thread");
}
