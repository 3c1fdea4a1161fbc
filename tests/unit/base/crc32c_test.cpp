// SPDX-License-Identifier: Apache-2.0
#include "base/crc32c.h"

#include <catch2/catch.hpp>
#include <string>

using namespace standpipe;

TEST_CASE("crc32c gives the standard's check value, by either way") {
  const std::string text = "123456789";
  CHECK(crc32c(std::as_bytes(std::span(text))) == 0xe3069283);
  CHECK(crc32c_by_table(std::as_bytes(std::span(text))) == 0xe3069283);
  CHECK(crc32c({}) == 0);
}

TEST_CASE("crc32c over pieces is that over the whole, and both ways agree at every length") {
  std::string text;
  for (int i = 0; i < 100; ++i) {
    const auto bytes = std::as_bytes(std::span(text));
    const auto half = bytes.size() / 2;
    CHECK(crc32c(bytes) == crc32c_by_table(bytes));
    CHECK(crc32c(bytes.subspan(half), crc32c(bytes.first(half))) == crc32c(bytes));
    text += static_cast<char>(i * 37);
  }
}
