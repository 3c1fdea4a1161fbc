// SPDX-License-Identifier: Apache-2.0
#include "base/byte_codec.h"

#include <catch2/catch.hpp>
#include <string>

using namespace standpipe;

namespace {

std::string bytes_of(const ByteWriter& out) {
  return {reinterpret_cast<const char*>(out.bytes().data()), out.bytes().size()};
}

}  // namespace

TEST_CASE("numbers are little endian, and a text follows its length") {
  ByteWriter out;
  out.number(std::uint8_t{0xab}).number(std::uint16_t{0x0102}).number(std::uint32_t{0x03040506});
  out.number(std::uint64_t{0x0708090a0b0c0d0e}).text("ok");
  CHECK(bytes_of(out) == "\xab\x02\x01\x06\x05\x04\x03\x0e\x0d\x0c\x0b\x0a\x09\x08\x07" +
                             std::string("\x02\0ok", 4));
}

TEST_CASE("what was written is read back") {
  ByteWriter out;
  out.number(std::uint64_t{0xfedcba9876543210}).text("").text("text").number(std::uint16_t{0xffff});
  ByteReader in(out.bytes());
  CHECK(in.number<std::uint64_t>() == 0xfedcba9876543210);
  CHECK(in.text().empty());
  CHECK(in.text() == "text");
  CHECK(in.number<std::uint16_t>() == 0xffff);
  CHECK(in.ok());
}

TEST_CASE("bytes that end too early read as zero from there on, which can be asked") {
  ByteWriter out;
  out.number(std::uint32_t{7}).text("text");
  for (std::size_t bytes = 0; bytes < out.bytes().size(); ++bytes) {
    ByteReader in(out.bytes().first(bytes));
    CHECK(in.number<std::uint32_t>() == (bytes < 4 ? 0u : 7u));
    CHECK(in.text().empty());
    CHECK_FALSE(in.ok());
    CHECK(in.number<std::uint8_t>() == 0);  // nothing is read beside what is missing
  }
}

TEST_CASE("a text is cut at the longest that its length can say") {
  ByteWriter out;
  out.text(std::string(70'000, 'x'));
  CHECK(out.bytes().size() == 2 + 65'535);
  CHECK(ByteReader(out.bytes()).text().size() == 65'535);
}
