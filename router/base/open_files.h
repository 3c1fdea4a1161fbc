// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

// How many descriptors a hub may need at most. It is checked before the start, so that the limit is
// not first met in operation.
namespace standpipe {

// How many descriptors a keeper holds for its workers. Far more than a process may have by default,
// and still a bound: a faulty worker must not take all there are.
constexpr std::size_t kKeptMost = 65'536;

struct OpenFiles {
  std::size_t worker = 0;  // open in a worker
  std::size_t kept = 0;    // of these, held by the keeper too

  // Of sources without a plugin, and of those with one. What a process of its own takes is not in.
  static OpenFiles needed_for(std::size_t sources, std::size_t handlers,
                              std::size_t source_plugins = 0);
};

std::uint64_t open_files_limit();  // the hard one: a hub raises the soft one to it
void raise_open_files_limit();

}  // namespace standpipe
