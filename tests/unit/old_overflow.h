// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <standpipe/wire.h>

#include <catch2/catch.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_codec.h"
#include "deliver/spill.h"
#include "deliver/spill_format.h"
#include "log/disk_log.h"

namespace test {

// What hubs of an earlier version wrote for a held handler while they ran: a file among the
// source's spills, without an end if they were killed. Each message has a sequence from 1 on, and
// was accepted ten times that many nanoseconds after 1970. Returns its path.
inline std::string old_overflow(const std::string& data_dir, const std::string& source,
                                std::string_view handler,
                                const std::vector<std::string>& payloads) {
  using namespace standpipe;
  const auto path = deliver::SpillReader::path_of(
      data_dir, source, deliver::SpillReader::next_number(data_dir, source));
  auto log = log::DiskLog::resume(path, 0);
  ByteWriter meta;
  meta.number(static_cast<std::uint8_t>(deliver::SpillRecord::overflow));
  REQUIRE_FALSE(log.append(meta.bytes(), {}));
  deliver::SpillLists lists;
  std::uint64_t n = 0;
  for (const auto& payload : payloads) {
    std::uint8_t header[STANDPIPE_WIRE_HEADER_BYTES];
    standpipe_wire_put_length(header, static_cast<std::uint32_t>(payload.size()));
    const auto frame = std::string(reinterpret_cast<const char*>(header), sizeof header) + payload;
    const auto bytes = std::as_bytes(std::span(frame));
    ++n;
    REQUIRE_FALSE(deliver::append_message(log, lists, n, n * 10, {&handler, 1}, {&bytes, 1}, {}));
  }
  REQUIRE_FALSE(log.write());
  return path;
}

}  // namespace test
