// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "frame/codec.h"

namespace standpipe::frame {

// The codec of a source whose messages may have that many bytes: of a running hub's, and of one
// whose configuration is only tried. Both must find the same frames, so nobody else makes one.
std::unique_ptr<Codec> source_codec(std::uint64_t payload_max);

}  // namespace standpipe::frame
