// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/reporter.h"
#include "base/throttle.h"
#include "deliver/send_queue.h"
#include "state/persistent_deque.h"

namespace standpipe::deliver {

// The last FIFO's worth of messages that the present reader took: if it dies, nobody knows whether
// it processed them. They count as delivered, and as `unacknowledged` besides. Outlives the worker;
// the caller commits.
class LastTaken {
 public:
  LastTaken(state::Memory& memory, const std::string& name, const SendQueue& queue);
  // Of an output that an earlier worker left, before it is made again: that delivery is removed.
  // The caller commits.
  static void remove(state::Memory& memory, const std::string& name);
  static void forget(state::Memory& memory, const std::string& name, std::uint32_t delivery);
  // Throws state::Memory::Damaged when it names a delivery that there is not.
  void validate();
  // These messages were taken. `capacity`: what the FIFO holds, bytes.
  void remember(const Delivery& delivery, const Range& part, std::uint64_t capacity);
  // The reader has gone; `left_some`: it left more unread. That is reported: one that has taken all
  // before it leaves is how most end.
  void count_unacknowledged(const std::string& path, bool left_some, Reporter& reporter,
                            Nanoseconds now);

 private:
  struct Taken {
    std::uint32_t delivery;
    std::uint64_t first, last;  // sequences
    std::uint64_t count;
    std::uint64_t bytes;
  };

  const SendQueue& queue_;
  state::PersistentDeque<Taken> taken_;
  std::uint64_t bytes_ = 0;  // of all of them
  Throttle deaths_;
};

}  // namespace standpipe::deliver
