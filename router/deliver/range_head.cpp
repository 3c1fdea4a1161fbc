// SPDX-License-Identifier: Apache-2.0
#include "deliver/range_head.h"

#include <array>

#include "frame/wire_scan.h"

namespace standpipe::deliver {

RangeHead range_head(const Delivery& delivery, const Range& range, std::uint64_t least,
                     std::uint64_t most) {
  std::array<frame::Frame, 256> frames;
  RangeHead head{{range.begin, range.begin, 0}};
  const auto wants_more = [&] {
    return head.bytes < least && head.range.count < most && head.range.end < range.end;
  };
  for (auto at = range.begin; wants_more();) {
    const auto piece = delivery.log().read(at, delivery.bit());
    if (!piece || piece->begin >= range.end) break;
    auto bytes = piece->bytes;
    auto& end = head.range.end = piece->begin;
    while (wants_more() && !bytes.empty()) {
      const auto scan = frame::scan_wire(bytes, frames);
      std::uint64_t begin = 0;
      for (std::size_t f = 0; f < scan.frames && wants_more(); ++f) {
        const std::uint64_t size = frames[f].end - begin;
        end = {end.position + size, end.sequence + 1};
        head.bytes += size;
        ++head.range.count;
        begin = frames[f].end;
      }
      bytes = bytes.subspan(scan.consumed);
    }
    at = piece->end;
  }
  return head;
}

}  // namespace standpipe::deliver
