// SPDX-License-Identifier: Apache-2.0
#include "cli/limit.h"

#include <catch2/catch.hpp>

#include "cli/command.h"

using namespace standpipe;
using namespace standpipe::cli;

namespace {

std::uint64_t limit(const std::vector<std::string>& words) {
  const Command row{.name = "send",
                    .summary = {},
                    .examples = {},
                    .description = {},
                    .operands = {},
                    .options = {{.name = "max-message-size", .kind = Kind::size, .value = "S"}},
                    .run = nullptr};
  return message_size_limit(Arguments(row, words));
}

}  // namespace

TEST_CASE("a message's largest size is the default, or what a person says within the bounds") {
  CHECK(limit({}) == kMessageSizeMaxDefault);
  CHECK(limit({"--max-message-size", "1B"}) == 1);
  CHECK(limit({"--max-message-size", std::to_string(kMessageSizeMaxMost) + "B"}) ==
        kMessageSizeMaxMost);
  CHECK_THROWS_AS(limit({"--max-message-size", "0B"}), WrongUsage);
  CHECK_THROWS_WITH(limit({"--max-message-size", std::to_string(kMessageSizeMaxMost + 1) + "B"}),
                    "--max-message-size must be from 1B to " + size_text(kMessageSizeMaxMost));
}
