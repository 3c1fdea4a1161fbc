// SPDX-License-Identifier: Apache-2.0
#include "conformance/feeds.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <string>

#include "conformance/child.h"

using namespace standpipe;
using namespace standpipe::conformance;

TEST_CASE("among odd messages is each byte, also in metadata, and an empty value") {
  const auto batch = odd_batch();
  const auto has_all = [](const std::string& text) {
    for (int byte = 0; byte < 256; ++byte)
      if (text.find(static_cast<char>(byte)) == std::string::npos) return false;
    return true;
  };
  CHECK(std::ranges::any_of(batch, [&](const auto& m) { return has_all(m.payload); }));
  CHECK(std::ranges::any_of(batch, [&](const auto& m) {
    return std::ranges::any_of(m.meta, [&](const auto& pair) { return has_all(pair.second); });
  }));
  CHECK(std::ranges::any_of(batch, [](const auto& m) {
    return std::ranges::any_of(m.meta, [](const auto& pair) { return pair.second.empty(); });
  }));
}

TEST_CASE("what is random is the same for the same seed, bounded, and never an empty batch") {
  std::mt19937_64 first(7), second(7), third(8);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const auto a = random_batch(first), b = random_batch(second), c = random_batch(third);
    REQUIRE(a.size() == b.size());
    CHECK(a.size() >= 1);
    CHECK(a.size() <= 20);
    for (std::size_t m = 0; m < a.size(); ++m) {
      CHECK(a[m].payload == b[m].payload);
      CHECK(a[m].payload.size() < 70'000);
    }
    differs = differs || a.size() != c.size() || a[0].payload != c[0].payload;
  }
  CHECK(differs);
}

TEST_CASE("an answer that no host knows is a problem") {
  testing::Answer answer;
  answer.answer = STANDPIPE_FATAL;
  CHECK_NOTHROW(check_answer(answer));
  answer.answer = STANDPIPE_FATAL + 1;
  CHECK_THROWS_AS(check_answer(answer), Problem);
}
