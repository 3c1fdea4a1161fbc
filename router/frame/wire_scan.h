// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <standpipe/wire.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "frame/codec.h"

namespace standpipe::frame {

// Codec::scan of the frames of <standpipe/wire.h>: a length, u32 little endian, then the payload.
//
// Every log that handlers read has these frames, whatever framing its source has. So whoever
// reads such a log scans it by this function and asks no codec: one call, not virtual, for many
// frames. The limit of a source does not matter there: what is in its log was within it.
Scan scan_wire(std::span<const std::byte> bytes, std::span<Frame> out,
               std::uint64_t payload_max = STANDPIPE_WIRE_MESSAGE_MAX_LIMIT);

}  // namespace standpipe::frame
