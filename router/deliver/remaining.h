// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "deliver/delivery.h"

namespace standpipe::deliver {

// The messages of one source that are not final, one at a time, in the source's order, each with
// the deliveries that still want it: their open messages, and those after their cursors. For the
// end of a run, when nothing changes any more.
class Remaining {
 public:
  struct Message {  // valid until the next one
    log::Cursor at;
    std::uint64_t accepted_ns = 0;
    std::span<const std::byte> frame = {};        // as it was on the wire
    std::span<const std::byte> fields = {};       // its metadata
    std::span<const std::size_t> wanted_by = {};  // indexes into the deliveries
  };

  // All of the deliveries are of one log.
  explicit Remaining(std::span<const Delivery* const> deliveries);
  std::optional<Message> next();

 private:
  // One delivery's way through the log. What it is at: the first frame of `rest`.
  struct Walk {
    const Delivery* delivery;
    std::size_t ranges = 0;  // that were begun
    log::Cursor at = {};
    log::Cursor until = {};
    std::span<const std::byte> rest = {};
    std::size_t frame_bytes = 0;
    std::uint64_t accepted_ns = 0;
    bool ended = false;

    void find_frame();
    bool begin_range();
    bool begin_piece();
    void pass();
  };

  std::vector<Walk> walks_;
  std::vector<std::size_t> wanted_by_;
};

}  // namespace standpipe::deliver
