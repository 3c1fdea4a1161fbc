// SPDX-License-Identifier: Apache-2.0
#include "frame/source_codec.h"

#include <array>
#include <catch2/catch.hpp>

using namespace standpipe;

TEST_CASE("a source's codec has its limit, and reads length-prefixed frames") {
  const auto codec = frame::source_codec(3);
  CHECK(codec->payload_max() == 3);
  const std::array<std::byte, 9> bytes{std::byte{1}, {}, {}, {}, std::byte{'a'}, std::byte{4}};
  std::array<frame::Frame, 2> frames;
  const auto scan = codec->scan(bytes, frames);
  CHECK(scan.frames == 1);
  CHECK(frames[0].payload == 4);
  CHECK(scan.too_large);
}
