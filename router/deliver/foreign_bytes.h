// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <utility>

namespace standpipe::deliver {

// Whether others write into our FIFO: more bytes wait there than waited when that was looked at
// last and were pushed since. A reader between two looks can hide that, and nothing can wrongly
// show it.
class ForeignBytes {
 public:
  // The FIFO was opened, and so many bytes wait there, whosever they are.
  void begin(std::uint64_t waiting) {
    seen_ = waiting;
    pushed_ = 0;
  }
  void pushed(std::uint64_t bytes) { pushed_ += bytes; }
  // So many wait now; true: some of them are others'.
  bool look(std::uint64_t waiting) {
    const auto ours_at_most = std::exchange(seen_, waiting) + std::exchange(pushed_, 0);
    return waiting > ours_at_most;
  }

 private:
  std::uint64_t seen_ = 0;
  std::uint64_t pushed_ = 0;
};

}  // namespace standpipe::deliver
