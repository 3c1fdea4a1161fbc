// SPDX-License-Identifier: Apache-2.0
#include "base/parts.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>

#include "base/failure.h"

using namespace standpipe;

namespace {

Parts some() {
  Parts parts;
  parts.set("text", "a: 1\nend 0\n");
  parts.set("nothing", "");
  parts.set("bytes", std::string_view("\0 5\n", 4));
  parts.set("number", 7);
  return parts;
}

}  // namespace

TEST_CASE("what one process leaves another reads") {
  const auto file = some().write("parts");
  const auto read = Parts::read(file.get());
  CHECK(read == some());
  CHECK(read.text("text") == "a: 1\nend 0\n");
  CHECK(read.number("number") == 7);
}

TEST_CASE("what was never set is empty") {
  CHECK(Parts().text("text").empty());
  CHECK(some().number("text") == 0);
}

TEST_CASE("what is not whole is refused, wherever it was cut") {
  const auto file = some().write("parts");
  const auto size = ::lseek(file.get(), 0, SEEK_END);
  for (auto bytes = size - 1; bytes >= 0; --bytes) {
    REQUIRE(::ftruncate(file.get(), bytes) == 0);
    CHECK_THROWS_AS(Parts::read(file.get()), Failure);
  }
}

TEST_CASE("what says more than there is is refused") {
  Parts parts;
  parts.set("text", "four");
  const auto file = parts.write("parts");
  REQUIRE(::pwrite(file.get(), "text 9\nfourend 0\n", 17, 0) == 17);
  CHECK_THROWS_AS(Parts::read(file.get()), Failure);
}
