// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace standpipe::worker {

// How large the hub's pipes may be. An ordinary user may have pipe-user-pages-soft pages (64 MiB)
// in all pipes together; beyond that every further pipe of that user, in any program, shrinks to 8
// KiB. So the hub takes at most half of it where it has a choice.
struct PipeBudget {
  std::size_t stage = 0;        // bytes: the worker's stage
  std::size_t source_fifo = 0;  // each source's FIFO; 0: leave it as it is
  std::size_t output_fifo = 0;
  std::size_t output_stage = 0;

  static PipeBudget share(std::size_t sources, std::size_t outputs, std::size_t pages_soft,
                          std::size_t pipe_max, bool privileged);
  // With this machine's numbers from /proc/sys/fs.
  static PipeBudget here(std::size_t sources, std::size_t outputs);
};

}  // namespace standpipe::worker
