// SPDX-License-Identifier: Apache-2.0
#include "match/text_index.h"

#include <catch2/catch.hpp>
#include <set>
#include <string>

using namespace standpipe::match;

TEST_CASE("routes are found by what a text is, and by what it begins with") {
  TextIndex index;
  index.add_whole("ping", 1);
  index.add_whole("ping", 2);
  index.add_whole("", 3);
  index.add_prefix("pi", 4);
  const auto found = [&](std::string_view text) {
    std::set<std::uint32_t> routes;
    index.find(text, [&](std::uint32_t route) { routes.insert(route); });
    return routes;
  };
  CHECK(found("ping") == std::set<std::uint32_t>{1, 2, 4});
  CHECK(found("") == std::set<std::uint32_t>{3});
  CHECK(found("pings") == std::set<std::uint32_t>{4});
  CHECK(found(std::string(1000, 'x')).empty());
}
