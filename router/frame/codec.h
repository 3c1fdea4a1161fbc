// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace standpipe::frame {

// One whole frame in a stretch of bytes. It begins where the one before it ended.
struct Frame {
  std::uint32_t payload;  // offset of the payload, in bytes
  std::uint32_t size;     // payload bytes
  std::uint32_t end;      // offset behind the frame
};

// What a scan of bytes found.
struct Scan {
  std::size_t frames = 0;     // how many were written to `out`
  std::size_t consumed = 0;   // bytes of those frames
  std::uint64_t need = 0;     // bytes that the next, unfinished frame will take in all; 0: not known yet, or `out` was full
  bool too_large = false;     // the next frame claims more than the limit: what follows cannot be understood
  std::uint64_t claimed = 0;  // its payload bytes, then
};

// How frames lie in a stream of bytes. Stateless: it looks at bytes that are ours and cannot change, so the same bytes can be
// walked any number of times with the same result. One virtual call serves many frames.
//
// Other framings are other Codecs; nothing else in the router knows how a frame looks.
class Codec {
 public:
  virtual ~Codec() = default;
  // Finds whole frames from the beginning of `bytes` (at most 4 GiB) until it ends, `out` is full or a frame is too large.
  virtual Scan scan(std::span<const std::byte> bytes, std::span<Frame> out) const = 0;
  // Bytes that a frame takes besides its payload, at most.
  virtual std::size_t overhead() const = 0;
  virtual std::uint64_t payload_max() const = 0;
};

}  // namespace standpipe::frame
