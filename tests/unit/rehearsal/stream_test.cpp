// SPDX-License-Identifier: Apache-2.0
#include "rehearsal/stream.h"

#include <catch2/catch.hpp>

#include "frame/length_prefixed.h"

using namespace standpipe;
using namespace std::string_literals;
using config::Fate;

namespace {

std::string framed(const std::string& payload) {
  std::string bytes(4, '\0');
  for (unsigned i = 0; i < 4; ++i) bytes[i] = static_cast<char>(payload.size() >> (8 * i));
  return bytes + payload;
}

rehearsal::Stream read(const std::string& bytes) {
  return rehearsal::read_stream(frame::LengthPrefixed(100), bytes);
}

}  // namespace

TEST_CASE("whole frames are messages, each with where its frame begins") {
  const auto bytes = framed("one") + framed("") + framed("three");
  const auto stream = read(bytes);
  REQUIRE(stream.messages.size() == 3);
  CHECK(stream.messages[0].payload == "one");
  CHECK(stream.messages[1].payload.empty());
  CHECK(stream.messages[2].payload == "three");
  CHECK(stream.messages[2].offset == 11);
  CHECK_FALSE(stream.fault);
}

TEST_CASE("more frames than one look finds are all found") {
  std::string bytes;
  for (int i = 0; i < 2000; ++i) bytes += framed(std::to_string(i));
  const auto stream = read(bytes);
  REQUIRE(stream.messages.size() == 2000);
  CHECK(stream.messages[1999].payload == "1999");
  CHECK(stream.messages[1999].offset == bytes.size() - 8);
  CHECK_FALSE(stream.fault);
}

TEST_CASE("no bytes are no message and no fault") {
  CHECK(read("").messages.empty());
  CHECK_FALSE(read("").fault);
}

TEST_CASE("what ends inside a frame is truncated") {
  const auto bytes = framed("one") + framed("three").substr(0, 6);
  const auto stream = read(bytes);
  CHECK(stream.messages.size() == 1);
  REQUIRE(stream.fault);
  CHECK(stream.fault->fate == Fate::truncated);
  CHECK(stream.fault->offset == 7);
  CHECK(stream.fault->bytes == 6);
  CHECK(stream.fault->need == 9);
  CHECK(rehearsal::fault_text(*stream.fault, 100) ==
        "a frame is truncated: there are 6 bytes of 9");
  const auto header = read("\5\0"s);
  REQUIRE(header.fault);
  CHECK(rehearsal::fault_text(*header.fault, 100) ==
        "a frame is truncated: there are 2 bytes of its header");
  CHECK(rehearsal::fault_text(*read("\5"s).fault, 100) ==
        "a frame is truncated: there is 1 byte of its header");
}

TEST_CASE("after a frame that claims too much nothing is a message, and its bytes may tell why") {
  const auto bytes = framed("one") + "hello, world" + framed("lost");
  const auto stream = read(bytes);
  CHECK(stream.messages.size() == 1);
  REQUIRE(stream.fault);
  CHECK(stream.fault->fate == Fate::bad_frame);
  CHECK(stream.fault->offset == 7);
  CHECK(stream.fault->bytes == 20);
  CHECK(stream.fault->claimed == 1819043176);
  CHECK_THAT(stream.fault->note, Catch::Contains("hell"));
}
