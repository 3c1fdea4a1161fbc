// SPDX-License-Identifier: Apache-2.0
#include "match/value_index.h"

#include <catch2/catch.hpp>
#include <set>

using namespace standpipe::match;

TEST_CASE("routes are found by a value, and by the patterns that match in it, at their pointer") {
  const auto pattern = Regex::compile("^o").regex, other = Regex::compile("r$").regex;
  ValueIndex index;
  index.add_value(1, Value::string("order"), 1);
  index.add_value(1, Value::integer(5), 2);
  index.add_value(2, Value::string("order"), 3);
  index.add_pattern(1, *pattern, 4);
  index.add_pattern(1, *other, 5);
  RegexMemory memory;
  index.compile(memory);
  std::vector<int> buffer;
  const auto found = [&](ValueIndex::NodeId pointer, const Value& value) {
    std::set<std::uint32_t> routes;
    CHECK(index.find(pointer, value, buffer, [&](std::uint32_t route) { routes.insert(route); }));
    return routes;
  };
  using Found = std::set<std::uint32_t>;
  CHECK(found(1, Value::string("order")) == Found{1, 4, 5});
  CHECK(found(1, Value::string("orders")) == Found{4});
  CHECK(found(1, Value::number(5.0)) == Found{2});
  CHECK(found(2, Value::string("order")) == Found{3});
  CHECK(found(3, Value::string("order")).empty());
  CHECK(found(1, Value::null()).empty());
}
