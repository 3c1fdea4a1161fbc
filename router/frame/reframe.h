// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "frame/codec.h"

namespace standpipe::frame {

// What was copied from one framing into another.
struct Reframed {
  std::size_t frames = 0;    // that were read, in whole
  std::size_t consumed = 0;  // their bytes, as they were
  std::size_t written = 0;   // bytes in the new framing
  std::size_t refused =
      0;  // of those frames: the new framing cannot have them, and nothing was written for them
  std::uint64_t need = 0;  // bytes that the next one takes in the new framing, for which there was
                           // no room; 0: there was
};

// Copies whole frames (`bytes` has no others) into `out`, each in the new framing, as many as find
// room. A frame that the new framing cannot have is passed over and counted.
Reframed reframe(const Codec& from, std::span<const std::byte> bytes, const Codec& to,
                 std::span<std::byte> out);

}  // namespace standpipe::frame
