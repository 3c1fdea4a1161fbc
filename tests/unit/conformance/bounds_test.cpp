// SPDX-License-Identifier: Apache-2.0
#include "conformance/bounds.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "places.h"

using namespace standpipe;
using namespace standpipe::conformance;

TEST_CASE("each limit, choice and default of each option is tried, one at a time") {
  Subject subject({.path = places::plugins() + "/generate.so", .options = {}, .seed = 7});
  const auto plain = subject.options();
  std::vector<std::string> tried;
  for_each_bound(subject, [&](const std::string& what, const testing::Options& options) {
    tried.push_back(what);
    std::size_t others = 0;
    for (const auto& [name, value] : options) {
      const auto usual = plain.find(name);
      others += usual == plain.end() || usual->second != value;
    }
    CHECK(others <= 1);
  });
  const auto has = [&](const std::string& what) { return std::ranges::count(tried, what) > 0; };
  for (const auto& option : subject.description().options) {
    INFO(option.name);
    for (const auto& choice : option.choices) CHECK(has(option.name + ": " + choice));
    if (!option.minimum.empty()) CHECK(has(option.name + ": " + option.minimum));
    if (!option.maximum.empty()) CHECK(has(option.name + ": " + option.maximum));
    if (option.type == STANDPIPE_BOOLEAN) CHECK(has(option.name + ": false"));
    if (option.type == STANDPIPE_STRING) CHECK(has(option.name + ": "));
  }
  CHECK(tried.size() > subject.description().options.size());
}
