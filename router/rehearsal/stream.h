// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/test_options.h"
#include "frame/codec.h"

namespace standpipe::rehearsal {

inline std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// Where a stream stops making sense, or ends inside a frame; nothing after it becomes a message.
struct StreamFault {
  config::Fate fate;          // bad_frame, truncated
  std::uint64_t offset = 0;   // of the frame's first byte
  std::uint64_t bytes = 0;    // from there on, which are discarded
  std::uint64_t claimed = 0;  // by a bad frame: payload bytes
  std::uint64_t need = 0;     // of a truncated frame, in all; 0: not even its header is whole
  std::string note = {};      // what its bytes look like; may be empty
};

// What the hub makes of all that one writer writes into a FIFO, which it closes then.
struct Stream {
  struct Message {
    std::uint64_t offset;  // of the frame
    std::string_view payload;
  };
  std::vector<Message> messages;
  std::optional<StreamFault> fault;
};

// The codec finds frames as it does in a hub; the faults are those that the worker counts when all
// writers have left. Views point into `bytes`.
Stream read_stream(const frame::Codec& codec, std::string_view bytes);

// In words: "a frame claims 1,819,043,176 bytes (limit 16,777,216)".
std::string fault_text(const StreamFault& fault, std::uint64_t payload_max);

}  // namespace standpipe::rehearsal
