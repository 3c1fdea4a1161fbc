// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frame/codec.h"

namespace standpipe::frame {

// u32 little-endian length, then the payload: <standpipe/wire.h>.
class LengthPrefixed final : public Codec {
 public:
  explicit LengthPrefixed(std::uint64_t payload_max);
  Scan scan(std::span<const std::byte> bytes, std::span<Frame> out) const override;
  std::size_t overhead() const override;
  std::uint64_t payload_max() const override { return payload_max_; }
  Written write(std::span<const std::byte> bytes, std::span<const Frame> frames,
                std::span<std::byte> out) const override;

 private:
  std::uint64_t payload_max_;
};

}  // namespace standpipe::frame
