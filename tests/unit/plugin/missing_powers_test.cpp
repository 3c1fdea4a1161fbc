// SPDX-License-Identifier: Apache-2.0
#include "plugin/missing_powers.h"

#include <catch2/catch.hpp>

using namespace standpipe;
using plugin::missing_powers;

namespace {

standpipe_handler handler_with(std::uint32_t placement) {
  standpipe_handler handler{};
  handler.size = sizeof handler;
  handler.placement = placement;
  return handler;
}

}  // namespace

TEST_CASE("a handler that asks for nothing new lacks nothing") {
  CHECK(missing_powers(handler_with(STANDPIPE_INLINE), false).empty());
  CHECK(missing_powers(handler_with(STANDPIPE_THREAD), false).empty());
  CHECK(missing_powers(handler_with(STANDPIPE_PROCESS), false).empty());
}

TEST_CASE("an unknown placement is named") {
  const auto missing = missing_powers(handler_with(9), false);
  REQUIRE(missing.size() == 1);
  CHECK(missing[0] ==
        "its plugin asks for placement 9, which this router does not know: it runs in a thread");
}
