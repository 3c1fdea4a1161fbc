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
  std::uint32_t end;      // offset after the frame
};

// What a scan of bytes found.
struct Scan {
  std::size_t frames = 0;    // how many were written to `out`
  std::size_t consumed = 0;  // bytes of those frames
  std::uint64_t need = 0;    // bytes that the next, incomplete frame will take in all; 0: not known
                             // yet, or `out` was full
  bool too_large =
      false;  // the next frame claims more than the limit: what follows cannot be understood
  std::uint64_t claimed = 0;  // its payload bytes, then
};

// What was written of some frames.
struct Written {
  std::size_t frames = 0;  // how many
  std::size_t bytes = 0;   // of them
  std::uint64_t need =
      0;                 // bytes that the next one takes, for which there was no room; 0: there was
  bool refused = false;  // the next one cannot be in this framing: its payload is too large, or has
                         // what ends a frame
};

// How frames lie in a stream of bytes. A codec is stateless: it looks at bytes that are ours and
// cannot change, so the same bytes can be scanned any number of times with the same result. One
// virtual call serves many frames.
//
// Other framings are other Codecs. Only what brings messages into a log asks one: inside, all
// frames look the same (wire_scan.h).
class Codec {
 public:
  virtual ~Codec() = default;
  // Finds whole frames from the beginning of `bytes` (at most 4 GiB) until it ends, `out` is full
  // or a frame is too large.
  virtual Scan scan(std::span<const std::byte> bytes, std::span<Frame> out) const = 0;
  // Bytes that a frame takes besides its payload, at most.
  virtual std::size_t overhead() const = 0;
  virtual std::uint64_t payload_max() const = 0;
  // Writes the payloads of these frames, which are found in `bytes` by whatever codec, as frames of
  // this one: in order, until `out` has no room for the next or the next is refused.
  virtual Written write(std::span<const std::byte> bytes, std::span<const Frame> frames,
                        std::span<std::byte> out) const = 0;
};

}  // namespace standpipe::frame
