// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace standpipe {

// CRC-32C (Castagnoli), as in iSCSI and ext4: it detects a torn write or a flipped bit, not a
// forgery. `before` is the checksum of the bytes in front of these. Uses the processor's
// instruction where there is one.
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t before = 0);

// The same without that instruction; apart so that tests compare the two.
std::uint32_t crc32c_by_table(std::span<const std::byte> bytes, std::uint32_t before = 0);

}  // namespace standpipe
