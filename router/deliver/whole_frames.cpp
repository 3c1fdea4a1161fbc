// SPDX-License-Identifier: Apache-2.0
#include "deliver/whole_frames.h"

#include <limits.h>

#include <array>

#include "base/invariant.h"
#include "frame/wire_scan.h"

namespace standpipe::deliver {

WholeFrames WholeFrames::next(const SendQueue& queue, bool only_begun) {
  const auto& writing = queue.writing();
  WholeFrames whole{.end = writing};
  if (writing.skip > 0) {
    const auto end = queue.frame_end(writing);
    return {end.position - writing.at.position - writing.skip, {writing.entry, end, 0}};
  }
  if (only_begun) return whole;
  auto place = writing;
  queue.each_piece(place, [&whole](const SendQueue::StreamPosition& begin, auto frames) {
    return whole.add(begin, frames);
  });
  return whole;
}

// false: that is enough.
bool WholeFrames::add(const SendQueue::StreamPosition& begin, std::span<const std::byte> frames) {
  std::array<frame::Frame, 64> found;
  auto at = begin.at;
  while (!frames.empty()) {
    const auto scan = frame::scan_wire(frames, found);
    INVARIANT(scan.frames > 0, frames.size(), begin.entry);
    std::uint64_t from = 0;
    for (std::size_t f = 0; f < scan.frames; ++f) {
      const std::uint64_t size = found[f].end - from;
      if (bytes > 0 && bytes + size > PIPE_BUF) return false;
      at = {at.position + size, at.sequence + 1};
      bytes += size;
      end = {begin.entry, at, 0};
      from = found[f].end;
    }
    frames = frames.subspan(scan.consumed);
  }
  return true;
}

}  // namespace standpipe::deliver
