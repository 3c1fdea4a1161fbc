// SPDX-License-Identifier: Apache-2.0
#include "log/segment_sizing.h"

#include <catch2/catch.hpp>

#include "base/limits.h"
#include "log/segment.h"

using namespace standpipe;
using log::Segment, log::SegmentSizing;

namespace {

constexpr std::uint32_t kRunBytes = 40;

}  // namespace

TEST_CASE("segments double from a FIFO's size to a quarter of what the log may have") {
  SegmentSizing sizing(512 * KiB, kRunBytes, false);
  CHECK(sizing.usual_for(0) == 64 * KiB);
  for (int i = 0; i < 10; ++i) sizing.grow();
  CHECK(sizing.usual_for(0) == 128 * KiB);
}

TEST_CASE("no segment is larger than the largest, however much the log may have") {
  SegmentSizing sizing(64 * GiB, kRunBytes, false);
  for (int i = 0; i < 40; ++i) sizing.grow();
  CHECK(sizing.usual_for(0) == kSegmentBytes);
  CHECK(sizing.usual_for(8 * kSegmentBytes) == kSegmentBytes);
}

TEST_CASE("a log that is idle halves its segments, but not below a FIFO's size") {
  SegmentSizing sizing(2 * MiB, kRunBytes, false);
  sizing.grow();
  sizing.grow();
  sizing.shrink();
  CHECK(sizing.usual_for(0) == 128 * KiB);
  for (int i = 0; i < 10; ++i) sizing.shrink();
  CHECK(sizing.usual_for(0) == 64 * KiB);
}

TEST_CASE("a segment that an incomplete frame moves to has a quarter more than that") {
  const SegmentSizing sizing(64 * MiB, kRunBytes, false);
  CHECK(sizing.usual_for(100 * KiB) == 128 * KiB);
  CHECK(sizing.usual_for(110 * KiB) == 256 * KiB);
}

TEST_CASE("the smallest extent for a frame holds it, with an index of eight entries") {
  const SegmentSizing sizing(64 * MiB, kRunBytes, false);
  CHECK(sizing.least_for(1) == kSegmentBytesLeast);
  const auto extent = sizing.least_for(1 * MiB);
  CHECK(extent >= Segment::kHeaderBytes + Segment::kGapMost + 1 * MiB + 8 * kRunBytes);
  CHECK(sizing.fits(1 * MiB, extent));
  const auto exact = Segment::kHeaderBytes + Segment::kGapMost + 1 * MiB + kRunBytes;
  CHECK(sizing.fits(1 * MiB, exact));
  CHECK_FALSE(sizing.fits(1 * MiB, exact - 1));
}

TEST_CASE("the index's share of what is free is that of the last finished segment") {
  SegmentSizing usual(2 * MiB, kRunBytes, false), short_runs(2 * MiB, kRunBytes, true);
  CHECK(usual.reserve(64 * KiB) == 2 * KiB);
  CHECK(short_runs.reserve(64 * KiB) == 16 * KiB);
  usual.learn(48 * KiB, 16 * KiB);
  CHECK(usual.reserve(64 * KiB) == 16 * KiB);
  usual.learn(0, 1 * KiB);  // one that held no whole frame tells nothing
  CHECK(usual.reserve(64 * KiB) == 16 * KiB);
}

TEST_CASE("eight entries have room at the least, whatever the share is") {
  const SegmentSizing sizing(2 * MiB, kRunBytes, false);
  CHECK(sizing.reserve(64) == 8 * kRunBytes);
}
