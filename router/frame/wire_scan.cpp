// SPDX-License-Identifier: Apache-2.0
#include "frame/wire_scan.h"

#include <limits>

#include "base/invariant.h"

namespace standpipe::frame {

Scan scan_wire(std::span<const std::byte> bytes, std::span<Frame> out, std::uint64_t payload_max) {
  INVARIANT(bytes.size() <= std::numeric_limits<std::uint32_t>::max(), bytes.size());
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const std::size_t size = bytes.size();
  Scan scan;
  std::size_t at = 0;
  while (scan.frames < out.size() && size - at >= STANDPIPE_WIRE_HEADER_BYTES) {
    const std::uint32_t length = standpipe_wire_get_length(data + at);
    if (length > payload_max) {
      scan.too_large = true;
      scan.claimed = length;
      break;
    }
    const std::size_t payload = at + STANDPIPE_WIRE_HEADER_BYTES;
    if (size - payload < length) {
      scan.need = STANDPIPE_WIRE_HEADER_BYTES + std::uint64_t{length};
      break;
    }
    at = payload + length;
    out[scan.frames++] = {static_cast<std::uint32_t>(payload), length,
                          static_cast<std::uint32_t>(at)};
  }
  scan.consumed = at;
  return scan;
}

}  // namespace standpipe::frame
