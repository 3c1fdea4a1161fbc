// SPDX-License-Identifier: Apache-2.0
//
// The property that everything else rests on: rules tried one by one, what is compiled of them, and
// what `explain` says are the same. STANDPIPE_TEST_CONFIGURATIONS=10000 tries as many of them.
#include "agreement.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <random>
#include <string>

#include "random_routes.h"

using namespace standpipe::match;

namespace {

constexpr std::uint64_t kMatchMax = 60;  // so that some messages are larger
constexpr int kMessages = 10;            // for each configuration

struct Dice {
  std::mt19937 random;
  std::size_t operator()(std::size_t below) { return random() % below; }
};

std::size_t configurations() {
  const char* asked = std::getenv("STANDPIPE_TEST_CONFIGURATIONS");
  return asked ? std::stoul(asked) : 400;
}

}  // namespace

TEST_CASE(
    "rules one by one, the compiled matcher and explain agree on random routes and messages") {
  using Clock = std::chrono::steady_clock;
  const auto until =
      Clock::now() + std::chrono::seconds(std::getenv("STANDPIPE_TEST_CONFIGURATIONS") ? 3600 : 20);
  std::size_t tried = 0, wanted = 0;
  for (std::uint32_t seed = 1; seed <= configurations() && Clock::now() < until; ++seed) {
    Dice dice{std::mt19937(seed)};
    RandomRoutes random(dice);
    const auto routes = random.routes();
    const Matcher matcher(0, routes, {}, {}, kMatchMax);
    for (int i = 0; i < kMessages; ++i) {
      const auto payload = random.payload();
      const auto meta = random.meta();
      const Message message{bytes(payload), meta};
      const auto expected = by_rules(routes, message, kMatchMax);
      INFO("seed " << seed << ", message " << i << ": " << payload);
      REQUIRE(by_matcher(matcher, message) == expected);
      REQUIRE(by_explanation(routes, message, kMatchMax) == expected);
      wanted += expected.wanted;
      ++tried;
    }
  }
  CHECK(wanted > tried / 10);
  CHECK(wanted < tried);
}

TEST_CASE("a person is told of an error where there is one, and only there") {
  Dice dice{std::mt19937(7)};
  RandomRoutes random(dice);
  Json json;
  for (int i = 0; i < 2000; ++i) {
    const auto payload = random.payload();
    INFO(payload);
    const bool is_good = json.parse(payload) == Json::Verdict::good;
    REQUIRE((find_json_error(payload) == payload.size() || !is_good));
    REQUIRE((is_good || find_json_error(payload) <= payload.size()));
  }
}
