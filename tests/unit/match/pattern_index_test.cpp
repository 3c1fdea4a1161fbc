// SPDX-License-Identifier: Apache-2.0
#include "match/pattern_index.h"

#include <catch2/catch.hpp>
#include <memory>
#include <set>
#include <string>

using namespace standpipe::match;

namespace {

class Patterns {
 public:
  explicit Patterns(const std::vector<std::string>& patterns, RegexMemory memory = {}) {
    for (const auto& pattern : patterns) {
      regexes_.push_back(Regex::compile(pattern).regex);
      index_.add(*regexes_.back(), static_cast<std::uint32_t>(regexes_.size() - 1));
    }
    index_.compile(memory);
  }
  std::set<std::uint32_t> found(std::string_view text) {
    std::set<std::uint32_t> routes;
    is_certain = index_.find(text, buffer_, [&](std::uint32_t route) { routes.insert(route); });
    return routes;
  }
  bool is_certain = true;

 private:
  std::vector<std::shared_ptr<const Regex>> regexes_;
  std::vector<int> buffer_;
  PatternIndex index_;
};

using Found = std::set<std::uint32_t>;

}  // namespace

TEST_CASE("routes are found by the patterns that match, equal ones once") {
  Patterns patterns({"a", "b$", "a", "x.y"});
  CHECK(patterns.found("ab") == Found{0, 1, 2});
  CHECK(patterns.is_certain);
  CHECK(patterns.found("none").empty());
  CHECK(patterns.is_certain);
}

TEST_CASE("an index of no patterns finds none, for certain") {
  Patterns patterns({});
  CHECK(patterns.found("ab").empty());
  CHECK(patterns.is_certain);
}

TEST_CASE("a set without memory for it says all, and that it does not know") {
  RegexMemory memory;
  while (memory.take() > 0) {
  }
  Patterns patterns({"a", "b"}, memory);
  CHECK(patterns.found("a") == Found{0, 1});
  CHECK_FALSE(patterns.is_certain);
}

TEST_CASE("a set that may be slow is asked only as far as that is bounded") {
  std::vector<std::string> many;
  for (int i = 0; i < 300; ++i) many.push_back(std::to_string(i) + ".*end" + std::to_string(i));
  Patterns patterns(many);
  CHECK(patterns.found("7 end7") == Found{7});
  CHECK(patterns.is_certain);
  CHECK(patterns.found(std::string(1'000'000, ' ')).size() == 300);
  CHECK_FALSE(patterns.is_certain);
}

TEST_CASE("a set of plain texts is never slow") {
  std::vector<std::string> many;
  for (int i = 100; i < 400; ++i) many.push_back(std::to_string(i));
  Patterns patterns(many);
  CHECK(patterns.found(std::string(1'000'000, ' ') + "107") == Found{7});
  CHECK(patterns.is_certain);
}
