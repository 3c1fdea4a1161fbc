// SPDX-License-Identifier: Apache-2.0
#include "frame/length_prefixed.h"

#include <standpipe/wire.h>

#include <array>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace standpipe::frame;

namespace {

std::string framed(const std::string& payload) {
  std::uint8_t header[STANDPIPE_WIRE_HEADER_BYTES];
  standpipe_wire_put_length(header, static_cast<std::uint32_t>(payload.size()));
  return std::string(reinterpret_cast<char*>(header), sizeof header) + payload;
}

std::span<const std::byte> bytes(std::string_view s) {
  return std::as_bytes(std::span(s.data(), s.size()));
}

std::vector<std::string> payloads(std::string_view stream, Scan& scan, std::uint64_t limit = 1024) {
  std::array<Frame, 16> frames;
  scan = LengthPrefixed(limit).scan(bytes(stream), frames);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < scan.frames; ++i)
    out.emplace_back(stream.substr(frames[i].payload, frames[i].size));
  return out;
}

}  // namespace

TEST_CASE("whole frames are found, and nothing else") {
  Scan scan;
  const auto stream = framed("one") + framed("") + framed(std::string("\0\xff", 2));
  CHECK(payloads(stream, scan) == std::vector<std::string>{"one", "", std::string("\0\xff", 2)});
  CHECK(scan.consumed == stream.size());
  CHECK(scan.need == 0);
}

TEST_CASE("a stream cut at every byte shows just the frames that are whole") {
  const auto stream = framed("first") + framed("") + framed("third message");
  const std::size_t ends[] = {9, 13, 30};
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    Scan scan;
    const auto whole = static_cast<std::size_t>(
        std::count_if(std::begin(ends), std::end(ends), [&](auto e) { return e <= cut; }));
    CHECK(payloads(std::string_view(stream).substr(0, cut), scan).size() == whole);
    CHECK(scan.consumed == (whole ? ends[whole - 1] : 0));
    const auto rest = cut - scan.consumed;
    CHECK(scan.need == (rest >= 4 ? ends[whole] - scan.consumed : 0));
  }
}

TEST_CASE("a length over the limit is reported, after the frames before it") {
  Scan scan;
  CHECK(payloads(framed("ok") + "hello", scan).size() == 1);
  CHECK(scan.too_large);
  CHECK(scan.claimed == 1819043176);
  CHECK(scan.consumed == 6);
}

TEST_CASE("a payload of just the limit is fine, one byte more is not") {
  Scan scan;
  CHECK(payloads(framed(std::string(8, 'x')), scan, 8).size() == 1);
  CHECK(payloads(framed(std::string(9, 'x')), scan, 8).empty());
  CHECK(scan.too_large);
}

TEST_CASE("a scan stops when there is no room for more frames") {
  std::array<Frame, 2> frames;
  const auto stream = framed("a") + framed("b") + framed("c");
  const auto scan = LengthPrefixed(16).scan(bytes(stream), frames);
  CHECK(scan.frames == 2);
  CHECK(scan.consumed == 10);
}
