// SPDX-License-Identifier: Apache-2.0
#include "base/binary_text.h"

#include <catch2/catch.hpp>

using namespace standpipe;
using namespace std::string_literals;

TEST_CASE("hex is two digits a byte, with white space or colons between bytes") {
  CHECK(parse_hex("68656c6C6F") == "hello");
  CHECK(parse_hex(" 05 00\n00:00 \t") == "\5\0\0\0"s);
  CHECK(parse_hex("") == "");
}

TEST_CASE("what is not whole bytes of hex is refused") {
  for (const auto* text : {"6", "6g", "6 8", ":68", "0x68"}) {
    INFO(text);
    CHECK(!parse_hex(text));
  }
}

TEST_CASE("base64 is read with its padding and without") {
  CHECK(parse_base64("aGVsbG8=") == "hello");
  CHECK(parse_base64("aGVsbG8") == "hello");
  CHECK(parse_base64("aGVs\nbG8h") == "hello!");
  CHECK(parse_base64("/+8A") == "\xff\xef\0"s);
  CHECK(parse_base64("YQ==") == "a");
  CHECK(parse_base64("") == "");
}

TEST_CASE("what is no base64 is refused") {
  for (const auto* text : {"a", "aGVsb", "aG=V", "YQ=", "YWI==", "a_b=", "YQ==="}) {
    INFO(text);
    CHECK(!parse_base64(text));
  }
}
