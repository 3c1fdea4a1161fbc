// SPDX-License-Identifier: Apache-2.0
#include "match/route_compiler.h"

#include <catch2/catch.hpp>

#include "kit.h"

using namespace standpipe::match;

TEST_CASE("sources with the same routes share what is compiled of them") {
  auto everywhere = route(text_rule(Op::prefix, "a"), {1});
  everywhere.from = {0, 1, 2};
  auto some = route(text_rule(Op::prefix, "b"), {2});
  some.from = {1, 2};
  const std::vector<RouteOptions> routes{everywhere, some};
  RouteCompiler compiler(routes);
  CHECK(compiler.index_of(1) == compiler.index_of(2));
  CHECK(compiler.index_of(0) != compiler.index_of(1));
  CHECK(compiler.routes_of(0) == std::vector<std::size_t>{0});
  CHECK(compiler.routes_of(2) == std::vector<std::size_t>{0, 1});
  CHECK(compiler.routes_of(9).empty());
  CHECK(compiler.index_of(9)->routes() == 0);
}
