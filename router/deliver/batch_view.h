// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <standpipe/plugin.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "deliver/batch.h"

namespace standpipe::deliver {

// A batch as a plugin sees it. It is made in the plugin's place, where `memory` is mapped, and
// reused from call to call.
class BatchView {
 public:
  // `stretches` hold all of `frames`, in order. `fifo`: what the source reads, for plugins a piece
  // of metadata of that name; empty: it is none. Valid until the next one is made, and as long as
  // what it borrows.
  standpipe_batch make(std::span<const BatchFrame> frames, std::span<const BatchStretch> stretches,
                       const std::byte* memory, std::uint32_t attempt, std::string_view source,
                       std::string_view fifo = {}, std::uint64_t ticket = 0);

 private:
  // A message's row as plugins get it where no message has metadata: the beginning of the ABI's
  // struct, up to where that would be; the stride says where it ends.
  struct Row {
    const std::uint8_t* data;
    std::uint64_t size, sequence, time;
  };
  static_assert(offsetof(Row, data) == offsetof(standpipe_message, data));
  static_assert(offsetof(Row, size) == offsetof(standpipe_message, size));
  static_assert(offsetof(Row, sequence) == offsetof(standpipe_message, sequence));
  static_assert(offsetof(Row, time) == offsetof(standpipe_message, time));
  static_assert(sizeof(Row) == offsetof(standpipe_message, meta));

  template <class AnyRow>
  static void add(std::vector<AnyRow>& rows, const BatchStretch& stretch,
                  std::span<const BatchFrame> frames, const std::byte* memory);
  void describe(const BatchStretch& stretch, std::size_t end, const std::byte* memory);

  std::vector<Row> rows_;
  std::vector<standpipe_message> described_;  // the rows, if any message has metadata
  std::vector<standpipe_pair> pairs_;         // of all messages, in order
  standpipe_pair source_meta_{};
};

}  // namespace standpipe::deliver
