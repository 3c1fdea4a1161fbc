// SPDX-License-Identifier: Apache-2.0
#include "match/prefix_trie.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

using namespace standpipe::match;

namespace {

std::vector<std::uint32_t> found(const PrefixTrie& trie, std::string_view text) {
  std::vector<std::uint32_t> values;
  trie.find(text, [&](std::uint32_t value) { values.push_back(value); });
  return values;
}

}  // namespace

TEST_CASE("the prefixes of a text are found, the shorter ones first") {
  PrefixTrie trie;
  trie.add("abc", 1);
  trie.add("ab", 2);
  trie.add("abd", 3);
  trie.add("abc", 4);
  trie.add("x", 5);
  CHECK(found(trie, "abcd") == std::vector<std::uint32_t>{2, 1, 4});
  CHECK(found(trie, "ab") == std::vector<std::uint32_t>{2});
  CHECK(found(trie, "a").empty());
  CHECK(found(trie, "").empty());
  CHECK(found(trie, "abd") == std::vector<std::uint32_t>{2, 3});
}

TEST_CASE("a trie finds what comparing finds, whatever the prefixes") {
  std::mt19937 random(1);
  const auto word = [&](std::size_t letters) {
    std::string text(random() % 8, ' ');
    for (auto& c : text) c = static_cast<char>(200 + random() % letters);
    return text;
  };
  for (const std::size_t letters : {2u, 3u, 50u}) {
    PrefixTrie trie;
    std::vector<std::string> prefixes;
    for (std::uint32_t i = 0; i < 300; ++i) {
      prefixes.push_back(word(letters));
      trie.add(prefixes.back(), i);
    }
    for (int i = 0; i < 300; ++i) {
      const auto text = word(letters);
      std::vector<std::uint32_t> expected;
      for (std::uint32_t k = 0; k < 300; ++k)
        if (text.starts_with(prefixes[k])) expected.push_back(k);
      auto values = found(trie, text);
      std::sort(values.begin(), values.end());
      CHECK(values == expected);
    }
  }
}
