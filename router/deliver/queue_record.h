// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/byte_codec.h"

namespace standpipe::deliver {

// The meta of a record of a queue on disk (log/FORMAT.md): one message, whose frame is the payload.
// Messages of a queue are numbered from 1 without gaps, over all its segments; so a number that is
// missing is a message that cannot be read any more.
struct QueueRecord {
  static constexpr std::uint8_t kMessage = 1;
  static constexpr std::size_t kBytes = 1 + 3 * sizeof(std::uint64_t);
  using Meta = std::array<std::byte, kBytes>;

  std::uint64_t number = 0;
  std::uint64_t sequence = 0;  // in its source's log, in the run that accepted it
  std::uint64_t accepted_ns = 0;

  Meta meta() const {
    Meta bytes{std::byte{kMessage}};  // without an allocation: it is made for each message
    std::size_t at = 1;
    for (const auto n : {number, sequence, accepted_ns})
      for (std::size_t i = 0; i < sizeof n; ++i) bytes[at++] = static_cast<std::byte>(n >> (8 * i));
    return bytes;
  }
  // nullopt: it is no message, or makes no sense.
  static std::optional<QueueRecord> read(std::span<const std::byte> meta) {
    ByteReader in(meta);
    if (in.number<std::uint8_t>() != kMessage) return std::nullopt;
    QueueRecord record;
    record.number = in.number<std::uint64_t>();
    record.sequence = in.number<std::uint64_t>();
    record.accepted_ns = in.number<std::uint64_t>();
    if (!in.ok() || record.number == 0) return std::nullopt;
    return record;
  }
};

}  // namespace standpipe::deliver
