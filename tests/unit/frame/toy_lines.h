// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstring>
#include <span>

#include "frame/codec.h"

namespace test {

// A toy framing: payloads that end with a newline, and so have none.
class ToyLines final : public standpipe::frame::Codec {
 public:
  standpipe::frame::Scan scan(std::span<const std::byte> bytes,
                              std::span<standpipe::frame::Frame> out) const override {
    standpipe::frame::Scan scan;
    while (scan.frames < out.size()) {
      const auto rest = bytes.subspan(scan.consumed);
      const auto end = std::ranges::find(rest, kNewline);
      if (end == rest.end()) break;
      const auto begin = static_cast<std::uint32_t>(scan.consumed);
      const auto size = static_cast<std::uint32_t>(end - rest.begin());
      out[scan.frames++] = {begin, size, begin + size + 1};
      scan.consumed += size + 1;
    }
    return scan;
  }
  std::size_t overhead() const override { return 1; }
  std::uint64_t payload_max() const override { return 1 << 20; }
  standpipe::frame::Written write(std::span<const std::byte> bytes,
                                  std::span<const standpipe::frame::Frame> frames,
                                  std::span<std::byte> out) const override {
    standpipe::frame::Written written;
    for (const auto& f : frames) {
      const auto payload = bytes.subspan(f.payload, f.size);
      written.refused = std::ranges::find(payload, kNewline) != payload.end();
      if (written.refused) break;
      const auto room = out.subspan(written.bytes);
      if (room.size() < payload.size() + 1) {
        written.need = payload.size() + 1;
        break;
      }
      std::ranges::copy(payload, room.begin());
      room[payload.size()] = kNewline;
      written.bytes += payload.size() + 1;
      ++written.frames;
    }
    return written;
  }

 private:
  static constexpr std::byte kNewline{'\n'};
};

}  // namespace test
