// SPDX-License-Identifier: Apache-2.0
#include "log/segment_sizing.h"

#include <algorithm>
#include <bit>

#include "base/limits.h"
#include "log/segment.h"

namespace standpipe::log {
namespace {

constexpr std::uint64_t kFirst = 64 * KiB;
// Entries that the index of a fresh segment has room for, whatever moves there.
constexpr std::uint64_t kRunsLeast = 8;
// Before the first frame of a segment.
constexpr std::uint64_t kFrontBytes = Segment::kHeaderBytes + Segment::kGapMost;
// To spare, for the alignment of what stands at the extent's end.
constexpr std::uint64_t kSpareBytes = 64;

}  // namespace

SegmentSizing::SegmentSizing(std::uint64_t log_bytes_max, std::uint32_t run_bytes,
                             bool runs_are_short)
    : run_bytes_(run_bytes),
      frames_lately_(runs_are_short ? 3 : 31),
      most_(std::clamp<std::uint64_t>(std::bit_floor(log_bytes_max / 4), kSegmentBytesLeast,
                                      kSegmentBytes)),
      next_(std::min(most_, kFirst)) {}

std::uint32_t SegmentSizing::reserve(std::uint64_t free) const {
  const auto share = free * index_lately_ / (index_lately_ + frames_lately_);
  return static_cast<std::uint32_t>(std::max<std::uint64_t>(run_bytes_ * kRunsLeast, share));
}

std::uint64_t SegmentSizing::least_for(std::uint64_t frame_bytes) const {
  return std::max<std::uint64_t>(kFrontBytes + frame_bytes + kRunsLeast * run_bytes_ + kSpareBytes,
                                 kSegmentBytesLeast);
}

bool SegmentSizing::fits(std::uint64_t content, std::uint64_t extent_bytes) const {
  return kFrontBytes + content + run_bytes_ <= extent_bytes;
}

std::uint64_t SegmentSizing::usual_for(std::uint64_t incomplete) const {
  return std::clamp<std::uint64_t>(std::bit_ceil(incomplete + incomplete / 4), next_,
                                   kSegmentBytes);
}

void SegmentSizing::learn(std::uint64_t frames, std::uint64_t index) {
  if (frames == 0) return;
  frames_lately_ = frames;
  index_lately_ = index;
}

void SegmentSizing::grow() { next_ = std::min(next_ * 2, most_); }

void SegmentSizing::shrink() { next_ = std::max(next_ / 2, std::min(most_, kFirst)); }

}  // namespace standpipe::log
