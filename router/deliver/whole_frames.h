// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "deliver/send_queue.h"

namespace standpipe::deliver {

// What is to be staged together where others write into the same FIFO, so that no frame is broken
// up: the rest of the frame that was begun; or else whole frames that move at once or not at all,
// together at most PIPE_BUF bytes; or else one larger frame.
struct WholeFrames {
  std::uint64_t bytes = 0;  // 0: nothing
  SendQueue::StreamPosition end = {};

  // The next of the stream. `only_begun`: nothing after the frame that was begun.
  static WholeFrames next(const SendQueue& queue, bool only_begun);

 private:
  bool add(const SendQueue::StreamPosition& begin, std::span<const std::byte> frames);
};

}  // namespace standpipe::deliver
