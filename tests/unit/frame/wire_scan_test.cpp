// SPDX-License-Identifier: Apache-2.0
#include "frame/wire_scan.h"

#include <array>
#include <catch2/catch.hpp>
#include <string>
#include <string_view>

using namespace standpipe::frame;

namespace {

std::span<const std::byte> bytes(std::string_view s) {
  return std::as_bytes(std::span(s.data(), s.size()));
}

}  // namespace

TEST_CASE("frames of a log are found one after the other, whatever limit their source had") {
  const std::string large(1 << 20, 'x');
  const auto stream = std::string("\2\0\0\0ab\0\0\0\0\0\0\x10\0", 14) + large;
  std::array<Frame, 8> frames;
  const auto scan = scan_wire(bytes(stream), frames);
  REQUIRE(scan.frames == 3);
  CHECK(frames[0].payload == 4);
  CHECK(frames[0].end == 6);
  CHECK(frames[1].size == 0);
  CHECK(frames[2].size == large.size());
  CHECK(scan.consumed == stream.size());
}

TEST_CASE(
    "what is not a whole frame yet is left, and its size is returned as soon as it is known") {
  std::array<Frame, 8> frames;
  CHECK(scan_wire(bytes({"\5\0\0", 3}), frames).need == 0);
  CHECK(scan_wire(bytes({"\5\0\0\0abc", 7}), frames).need == 9);
}

TEST_CASE("a length above the given limit ends the scan, and is returned") {
  std::array<Frame, 8> frames;
  const auto scan = scan_wire(bytes({"\1\0\0\0a\5\0\0\0", 9}), frames, 4);
  CHECK(scan.frames == 1);
  CHECK(scan.too_large);
  CHECK(scan.claimed == 5);
}
