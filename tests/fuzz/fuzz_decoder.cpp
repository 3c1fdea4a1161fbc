// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/invariant.h"
#include "frame/length_prefixed.h"

// A stream is decoded the same however it is cut into pieces and however many frames are asked for
// at a time. The first bytes of the input choose the limit and the cuts, the rest is the stream.
namespace {

using standpipe::frame::Codec;
using standpipe::frame::Frame;
using standpipe::frame::LengthPrefixed;

struct Seen {
  std::uint64_t payload, size, end;  // offsets in the stream
  bool operator==(const Seen&) const = default;
};

struct Decoded {
  std::vector<Seen> frames;
  std::uint64_t consumed = 0;
  bool too_large = false;
  std::uint64_t claimed = 0;
};

// Scans what is there and not yet consumed; false: the stream cannot be understood any further.
bool scan_all(const Codec& codec, std::span<const std::byte> there, std::size_t frames_at_once,
              Decoded& decoded) {
  std::vector<Frame> frames(frames_at_once);
  for (;;) {
    const auto base = decoded.consumed;
    const auto rest = there.subspan(base);
    const auto scan = codec.scan(rest, frames);
    INVARIANT(scan.frames <= frames.size() && scan.consumed <= rest.size(), scan.frames,
              scan.consumed);
    std::uint64_t end = 0;
    for (std::size_t i = 0; i < scan.frames; ++i) {
      const auto& f = frames[i];
      INVARIANT(
          f.payload >= end && f.payload + std::uint64_t{f.size} == f.end && f.end <= rest.size(),
          f.payload, f.size, f.end);
      INVARIANT(f.size <= codec.payload_max(), f.size);
      decoded.frames.push_back({base + f.payload, f.size, base + f.end});
      end = f.end;
    }
    INVARIANT(end == scan.consumed, end, scan.consumed);
    decoded.consumed += scan.consumed;
    decoded.too_large = scan.too_large;
    decoded.claimed = scan.claimed;
    if (scan.too_large) {
      INVARIANT(scan.claimed > codec.payload_max(), scan.claimed);
      return false;
    }
    if (scan.need)
      INVARIANT(scan.need > rest.size() - scan.consumed, scan.need, rest.size(), scan.consumed);
    if (scan.frames < frames.size()) return true;
  }
}

Decoded decode(const Codec& codec, std::span<const std::byte> stream,
               std::span<const std::byte> cuts, std::size_t frames_at_once) {
  Decoded decoded;
  std::size_t there = 0;
  for (std::size_t i = 0; there < stream.size(); ++i) {
    const auto step =
        cuts.empty() ? stream.size() : std::to_integer<std::size_t>(cuts[i % cuts.size()]) + 1;
    there = std::min(stream.size(), there + step);
    if (!scan_all(codec, stream.first(there), frames_at_once, decoded)) break;
  }
  return decoded;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kCuts = 4;
  if (size < kCuts + 2) return 0;
  const auto input = std::as_bytes(std::span(data, size));
  const LengthPrefixed codec((std::uint64_t{data[0]} << (data[1] % 22)) + 1);
  const auto cuts = input.subspan(2, kCuts);
  const auto stream = input.subspan(2 + kCuts);
  const auto whole = decode(codec, stream, {}, 1024);
  const auto pieces = decode(codec, stream, cuts, 1 + data[1] % 3);
  INVARIANT(whole.frames == pieces.frames, whole.frames.size(), pieces.frames.size());
  INVARIANT(whole.consumed == pieces.consumed, whole.consumed, pieces.consumed);
  INVARIANT(whole.too_large == pieces.too_large && whole.claimed == pieces.claimed, whole.claimed,
            pieces.claimed);
  return 0;
}
