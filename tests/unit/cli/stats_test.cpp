// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "console.h"

using kit::Console;

namespace {

std::string refusal(std::vector<std::string> words) {
  words.insert(words.begin(), "stats");
  Console c;
  const int status = c.run(words);
  return status == 2 ? c.err() : "status " + std::to_string(status) + ": " + c.err();
}

}  // namespace

TEST_CASE("stats refuses what cannot be meant, before it asks a hub") {
  CHECK(refusal({"--json", "--account"})
            .starts_with("error: --json has the whole account already\n"));
  CHECK(refusal({"--watch", "--interval", "99ms"})
            .starts_with("error: --interval must be from 100ms to 1d\n"));
  CHECK(refusal({"--interval", "2d"}).starts_with("error: --interval must be from 100ms to 1d\n"));
  CHECK(refusal({"--sort", "size"}).find("in, out, lag, age, drop, dead") != std::string::npos);
}

TEST_CASE("without a hub a table is no table") {
  CHECK(refusal({"--control", "/no/such/socket"}).starts_with("status 1: error: no hub answers"));
}
