// SPDX-License-Identifier: Apache-2.0
#include "worker/handler_bits.h"

#include <catch2/catch.hpp>

#include "worker/spill_kit.h"

using namespace standpipe;
using worker::HandlerBits;

namespace {

std::vector<std::uint64_t> set_of(HandlerBits& bits, const test::Texts& names, std::size_t words) {
  const auto set = bits.set_of(names, words);
  return {set.begin(), set.end()};
}

test::Texts many(int count) {
  test::Texts names;
  for (int i = 0; i < count; ++i) names.push_back("h" + std::to_string(i));
  return names;
}

std::optional<std::size_t> none(const std::string&) { return std::nullopt; }

}  // namespace

TEST_CASE("each handler has the bit of its delivery, in any word") {
  test::SpillReporter reporter;
  HandlerBits bits("in", many(130), none, reporter);
  CHECK(set_of(bits, {"h0", "h63"}, 1) == std::vector{(std::uint64_t{1} << 63) | 1});
  CHECK(set_of(bits, {"h64", "h129"}, 3) == std::vector<std::uint64_t>{0, 1, 2});
  CHECK(set_of(bits, {}, 3) == std::vector<std::uint64_t>(3));  // nothing of the last one is left
  CHECK(reporter.reported.empty());
}

TEST_CASE("a delivery that is not there is made when its handler is met, once") {
  test::SpillReporter reporter;
  int made = 0;
  HandlerBits bits(
      "in", {"a"}, [&](const auto&) { return ++made, std::optional<std::size_t>(2); }, reporter);
  CHECK(set_of(bits, {"gone", "a"}, 1) == std::vector<std::uint64_t>{5});
  CHECK(set_of(bits, {"gone"}, 1) == std::vector<std::uint64_t>{4});
  CHECK(made == 1);
  CHECK(bits.names() == test::Texts{"a", "", "gone"});
}

TEST_CASE("a handler for which there is no room is left out, and reported once") {
  test::SpillReporter reporter;
  HandlerBits bits("in", {"a", "b"}, none, reporter);
  CHECK(set_of(bits, {"gone", "b"}, 1) == std::vector<std::uint64_t>{2});
  CHECK(set_of(bits, {"gone"}, 1) == std::vector<std::uint64_t>{0});
  CHECK(reporter.reported ==
        "in: an earlier run left messages for gone, to which no route leads any more, and the hub "
        "has no room for one handler more: they are dropped\n");
}
