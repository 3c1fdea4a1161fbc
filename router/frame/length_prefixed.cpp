// SPDX-License-Identifier: Apache-2.0
#include "frame/length_prefixed.h"

#include <standpipe/wire.h>

#include <cstring>

#include "base/invariant.h"
#include "frame/wire_scan.h"

namespace standpipe::frame {

LengthPrefixed::LengthPrefixed(std::uint64_t payload_max) : payload_max_(payload_max) {
  INVARIANT(payload_max <= STANDPIPE_WIRE_MESSAGE_MAX_LIMIT, payload_max);
}

std::size_t LengthPrefixed::overhead() const { return STANDPIPE_WIRE_HEADER_BYTES; }

Scan LengthPrefixed::scan(std::span<const std::byte> bytes, std::span<Frame> out) const {
  return scan_wire(bytes, out, payload_max_);
}

Written LengthPrefixed::write(std::span<const std::byte> bytes, std::span<const Frame> frames,
                              std::span<std::byte> out) const {
  Written written;
  for (const auto& f : frames) {
    written.refused = f.size > payload_max_;
    if (written.refused) break;
    const std::size_t size = STANDPIPE_WIRE_HEADER_BYTES + std::size_t{f.size};
    if (out.size() - written.bytes < size) {
      written.need = size;
      break;
    }
    auto* at = out.data() + written.bytes;
    standpipe_wire_put_length(reinterpret_cast<std::uint8_t*>(at), f.size);
    if (f.size > 0) std::memcpy(at + STANDPIPE_WIRE_HEADER_BYTES, bytes.data() + f.payload, f.size);
    written.bytes += size;
    ++written.frames;
  }
  return written;
}

}  // namespace standpipe::frame
