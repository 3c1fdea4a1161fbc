// SPDX-License-Identifier: Apache-2.0
#include "frame/source_codec.h"

#include "frame/length_prefixed.h"

namespace standpipe::frame {

std::unique_ptr<Codec> source_codec(std::uint64_t payload_max) {
  return std::make_unique<LengthPrefixed>(payload_max);
}

}  // namespace standpipe::frame
